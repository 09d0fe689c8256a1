const tried = 'cflow-isolation-tried'
/** Longest wait for the service worker before the page starts without it. */
const patience = 10_000

/**
 * Register the service worker. Where the host does not isolate the page, it is loaded once more, so that the service
 * worker adds the headers.
 * @returns whether the page is about to be loaded again
 */
export async function registerServiceWorker(): Promise<boolean> {
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined
  if (!container || !isSecureContext || import.meta.env.DEV) return false
  try {
    await container.register(new URL('sw.js', document.baseURI))
    if (crossOriginIsolated || container.controller || sessionStorage.getItem(tried)) return false
    const ready = await Promise.race([container.ready, waited(patience)])
    if (!ready) return false
    sessionStorage.setItem(tried, 'yes')
    location.reload()
    return true
  } catch (error) {
    console.warn('no service worker:', error)
    return false
  }
}

/** Keep the whole site for use without a network. @returns whether it is kept now */
export async function keepOffline(): Promise<boolean> {
  const container = navigator.serviceWorker as ServiceWorkerContainer | undefined
  if (!container || !isSecureContext || import.meta.env.DEV) return false
  if (!(await container.getRegistration())) return false
  const { active } = await container.ready
  const channel = new MessageChannel()
  const answer = new Promise((resolve) => {
    channel.port1.onmessage = ({ data }) => resolve(data)
  })
  active?.postMessage('keep everything', [channel.port2])
  return (await answer) === 'kept'
}

const waited = (milliseconds: number): Promise<undefined> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

import { waited } from './worker/handle.js'

const tried = 'cflow-isolation-tried'
/** Longest wait for the service worker before the page starts without it. */
const patience = 10_000

/** Where a service worker may be used: not on insecure pages, nor while the page is worked on. */
const container = (): ServiceWorkerContainer | undefined =>
  isSecureContext && !import.meta.env.DEV ? navigator.serviceWorker : undefined

/**
 * Register the service worker. Where the host does not isolate the page, it is loaded once more, so that the service
 * worker adds the headers.
 * @param mayReload false when that would lose what a person has put in
 * @returns whether the page is about to be loaded again
 */
export async function registerServiceWorker(mayReload: () => boolean): Promise<boolean> {
  const workers = container()
  if (!workers) return false
  try {
    await workers.register(new URL('sw.js', document.baseURI))
    if (crossOriginIsolated || workers.controller || sessionStorage.getItem(tried)) return false
    if (!(await Promise.race([workers.ready, waited(patience)]))) return false
    if (!mayReload()) return false
    sessionStorage.setItem(tried, 'yes')
    location.reload()
    return true
  } catch (error) {
    console.warn('no service worker:', error)
    return false
  }
}

/**
 * Keep the whole site for use without a network.
 * @param gpu whether WebGPU's build of onnxruntime-web is of use
 * @returns whether it is kept now
 */
export async function keepOffline(gpu: boolean): Promise<boolean> {
  const workers = container()
  if (!(await workers?.getRegistration())) return false
  const active = (await workers?.ready)?.active
  const channel = new MessageChannel()
  const answer = new Promise((resolve) => {
    channel.port1.onmessage = ({ data }) => resolve(data)
  })
  active?.postMessage({ keep: gpu ? 'everything' : 'all but WebGPU' }, [channel.port2])
  return (await answer) === 'kept'
}

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
    const registered = workers.register(new URL('sw.js', document.baseURI))
    // the page runs with the one it has: whether there is a newer one, a slow host may take long to say
    if (workers.controller) {
      registered.catch(without)
      return false
    }
    await registered
    if (crossOriginIsolated || sessionStorage.getItem(tried)) return false
    if (!(await Promise.race([workers.ready, waited(patience)]))) return false
    if (!mayReload()) return false
    sessionStorage.setItem(tried, 'yes')
    location.reload()
    return true
  } catch (error) {
    without(error)
    return false
  }
}

const without = (error: unknown) => console.warn('no service worker:', error)

/** Wait for a newer service worker, where the host has one, until it runs. */
async function newest(registration: ServiceWorkerRegistration): Promise<void> {
  // there is no network, or no such file any more: what is there stays
  await registration.update().catch(() => undefined)
  const coming = registration.installing ?? registration.waiting
  if (!coming) return
  await new Promise<void>((resolve) => {
    const check = () => {
      if (coming.state === 'activated' || coming.state === 'redundant') resolve()
    }
    coming.addEventListener('statechange', check)
    check()
  })
}

/**
 * Keep the whole site for use without a network.
 * @param gpu whether WebGPU's build of onnxruntime-web is of use
 * @returns whether it is kept now
 */
export async function keepOffline(gpu: boolean): Promise<boolean> {
  const workers = container()
  const registration = await workers?.getRegistration()
  if (!registration) return false
  // one that is replaced would keep what is old
  await newest(registration)
  const active = (await workers?.ready)?.active
  const channel = new MessageChannel()
  const answer = new Promise((resolve) => {
    channel.port1.onmessage = ({ data }) => resolve(data)
  })
  active?.postMessage({ keep: gpu ? 'everything' : 'all but WebGPU' }, [channel.port2])
  return (await answer) === 'kept'
}

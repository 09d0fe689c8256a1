/**
 * Two things: the headers that isolate the page (so that WASM may use threads) on hosts that cannot send them, and the
 * whole site offline. Files are taken from the cache first: their names or the cache's version change with their
 * content. The page itself comes from the network where there is one, so that a new version is seen at once.
 */
export {}

interface Worker extends EventTarget {
  readonly clients: { claim(): Promise<void> }
  readonly navigator: object
  readonly registration: { readonly scope: string }
  skipWaiting(): Promise<void>
}
interface Lifetime extends Event {
  waitUntil(work: Promise<unknown>): void
}
interface Fetching extends Lifetime {
  readonly request: Request
  respondWith(response: Promise<Response>): void
}
interface Asking extends Lifetime {
  readonly data: unknown
  readonly ports: readonly MessagePort[]
}

const worker = self as unknown as Worker
const prefix = 'cflow-web '
const cacheName = `${prefix}${'__VERSION__'}`
const files = JSON.parse('__FILES__') as string[]

const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}
/** The build of onnxruntime-web for WebGPU is large, and useless where there is none. */
const isUseful = (file: string) => !file.includes('.asyncify.') || 'gpu' in worker.navigator

const on = <E extends Event>(type: string, handle: (event: E) => void) =>
  worker.addEventListener(type, handle as (event: Event) => void)

on<Lifetime>('install', (event) => event.waitUntil(worker.skipWaiting()))

on<Lifetime>('activate', (event) => {
  const tidy = async () => {
    const old = (await caches.keys()).filter((k) => k.startsWith(prefix) && k !== cacheName)
    await Promise.all(old.map((k) => caches.delete(k)))
    await worker.clients.claim()
  }
  event.waitUntil(tidy())
})

on<Fetching>('fetch', (event) => {
  const { request } = event
  const isOurs = request.url.startsWith(worker.registration.scope)
  if (request.method === 'GET' && isOurs) event.respondWith(answer(request, event))
})

on<Asking>('message', (event) => {
  if (event.data !== 'keep everything') return
  const [port] = event.ports
  const kept = keepEverything().then(
    () => port?.postMessage('kept'),
    (error: unknown) => port?.postMessage(String(error)),
  )
  event.waitUntil(kept)
})

async function answer(request: Request, event: Lifetime): Promise<Response> {
  const cache = await caches.open(cacheName)
  if (request.mode === 'navigate') return isolated(await page(request, cache))
  const kept = await cache.match(request, { ignoreVary: true, ignoreSearch: true })
  if (kept) return isolated(kept)
  const response = await fetch(request)
  if (response.status === 200 && isOurFile(request.url))
    event.waitUntil(cache.put(request.url, response.clone()))
  return isolated(response)
}

/** From the network, else as it was kept. */
async function page(request: Request, cache: Cache): Promise<Response> {
  const response = fetch(request)
  if (
    await response.then(
      ({ ok }) => ok,
      () => false,
    )
  )
    return response
  return (await cache.match(new URL('index.html', worker.registration.scope))) ?? response
}

const isOurFile = (url: string) =>
  files.includes(decodeURI(url.slice(worker.registration.scope.length)))

async function keepEverything(): Promise<void> {
  const cache = await caches.open(cacheName)
  for (const file of files.filter(isUseful)) {
    const url = new URL(file, worker.registration.scope).href
    if (await cache.match(url)) continue
    const response = await fetch(url)
    if (!response.ok) throw new Error(`${response.status} for ${file}`)
    await cache.put(url, response)
  }
}

function isolated(response: Response): Response {
  if (response.type === 'opaque' || response.status === 0) return response
  const headers = new Headers(response.headers)
  for (const [name, value] of Object.entries(isolation)) headers.set(name, value)
  const { status, statusText } = response
  // a redirected response may not answer a navigation: this copy is not marked so
  return new Response(response.body, { status, statusText, headers })
}

/**
 * Two things: the headers that isolate the page (so that WASM may use threads) on hosts that cannot send them, and the
 * whole site offline. Files are taken from the cache first: their names or the cache's version change with their
 * content. The page itself comes from the network where there is one, past the browser's own cache, so that a new version is
 * seen at once and whole. A new version takes over the files that have not changed, and takes over from the old one only when
 * it is as complete as that was.
 */
export {}

interface Worker extends EventTarget {
  readonly clients: {
    claim(): Promise<void>
    matchAll(options: { includeUncontrolled: boolean }): Promise<readonly unknown[]>
  }
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
/** Hashes of the site's files, by their paths. */
const files = JSON.parse('__FILES__') as Readonly<Record<string, string>>
/** Where a cache holds the hashes of what is in it. */
const listKey = 'https://cache.invalid/files'

const isolation = {
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Embedder-Policy': 'require-corp',
  'Cross-Origin-Resource-Policy': 'same-origin',
}
/** The build of onnxruntime-web for WebGPU is large, and useless where there is none. */
const isForGpu = (file: string) => file.includes('.asyncify.')

const on = <E extends Event>(type: string, handle: (event: E) => void) =>
  worker.addEventListener(type, handle as (event: Event) => void)

const urlOf = (file: string) => new URL(file, worker.registration.scope).href

/** A file as the host has it now: what has no hash in its name may be an old one in the browser's cache. */
const fresh = (file: string, url = urlOf(file)) =>
  fetch(url, /-[\w-]{8}\.\w+$/.test(file) ? {} : { cache: 'no-cache' })

interface Arrival {
  /** For copies of it: its own body stays unread. */
  readonly response: Promise<Response>
  /** Settled when it is in the cache, or cannot be. */
  readonly kept: Promise<void>
}
const arrivals = new Map<string, Arrival>()

/** A file on its way into the cache. Who asks meanwhile shares it: of two requests for one file a browser may break one off. */
function arrivalOf(file: string, cache: Cache): Arrival {
  const known = arrivals.get(file)
  if (known) return known
  const response = fresh(file)
  const kept = response
    .then((r) => (r.status === 200 ? cache.put(urlOf(file), r.clone()) : undefined))
    .finally(() => arrivals.delete(file))
  const arrival = { response, kept }
  arrivals.set(file, arrival)
  return arrival
}

/** Those of earlier versions, the latest first; that of a later one, which may be on its way, is none of them. */
async function oldCaches(): Promise<string[]> {
  const all = (await caches.keys()).filter((k) => k.startsWith(prefix))
  const own = all.indexOf(cacheName)
  return all.slice(0, own < 0 ? undefined : own).reverse()
}

/** What an earlier version kept and is still the same; fetched is what it kept of files that are new or others now. */
async function takeOver(): Promise<void> {
  const cache = await caches.open(cacheName)
  await cache.put(listKey, new Response(JSON.stringify(files)))
  let wasComplete = false
  for (const name of await oldCaches()) {
    const old = await caches.open(name)
    const list = (await (await old.match(listKey))?.json()) as typeof files | undefined
    if (!list) continue
    const kept = new Set((await old.keys()).map((r) => r.url))
    const needed = Object.keys(list).filter((f) => !isForGpu(f))
    wasComplete ||= needed.every((f) => kept.has(urlOf(f)))
    for (const [file, hash] of Object.entries(files)) {
      if (list[file] !== hash || (await cache.match(urlOf(file)))) continue
      const same = await old.match(urlOf(file))
      if (same) await cache.put(urlOf(file), same)
    }
  }
  if (wasComplete) await keepAll(false)
}

on<Lifetime>('install', (event) => event.waitUntil(takeOver().then(() => worker.skipWaiting())))

on<Lifetime>('activate', (event) => event.waitUntil(worker.clients.claim()))

/** Remove what earlier versions kept, unless a page of theirs may still need it. */
async function tidy(): Promise<void> {
  const pages = await worker.clients.matchAll({ includeUncontrolled: true })
  if (pages.length < 2) for (const name of await oldCaches()) await caches.delete(name)
}

on<Fetching>('fetch', (event) => {
  const { request } = event
  const isOurs = request.url.startsWith(worker.registration.scope)
  if (request.method === 'GET' && isOurs) event.respondWith(answer(request, event))
})

on<Asking>('message', (event) => {
  const { keep } = event.data as { keep?: string }
  if (keep === undefined) return
  const [port] = event.ports
  const kept = keepAll(keep === 'everything').then(
    () => tidy().then(() => port?.postMessage('kept')),
    (error: unknown) => port?.postMessage(String(error)),
  )
  event.waitUntil(kept)
})

async function answer(request: Request, event: Lifetime): Promise<Response> {
  const cache = await caches.open(cacheName)
  if (request.mode === 'navigate') return isolated(await page(request, cache))
  const kept = await keptOf(request, cache)
  if (kept) return isolated(kept)
  const file = decodeURI(new URL(request.url).href.slice(worker.registration.scope.length))
  if (!(file in files)) return isolated(await fetch(request))
  const arrival = arrivalOf(file, cache)
  event.waitUntil(arrival.kept)
  return isolated((await arrival.response).clone())
}

/** From this version's cache, else from an earlier one's: a page of that may be open. */
async function keptOf(request: Request, cache: Cache): Promise<Response | undefined> {
  const how = { ignoreVary: true, ignoreSearch: true }
  const kept = await cache.match(request, how)
  if (kept) return kept
  for (const name of await oldCaches()) {
    const old = await (await caches.open(name)).match(request, how)
    if (old && /-[\w-]{8}\.\w+$/.test(request.url)) return old
  }
  return undefined
}

/** From the network, else as it was kept. */
async function page(request: Request, cache: Cache): Promise<Response> {
  const response = fetch(request.url, { cache: 'no-cache', credentials: 'same-origin' })
  const isThere = await response.then(
    ({ ok }) => ok,
    () => false,
  )
  return isThere ? response : ((await cache.match(urlOf('index.html'))) ?? response)
}

async function keepAll(withGpu: boolean): Promise<void> {
  const cache = await caches.open(cacheName)
  for (const file of Object.keys(files).filter((f) => withGpu || !isForGpu(f))) {
    if (await cache.match(urlOf(file))) continue
    const { response, kept } = arrivalOf(file, cache)
    const [{ status }] = await Promise.all([response, kept])
    if (status !== 200) throw new Error(`${status} for ${file}`)
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

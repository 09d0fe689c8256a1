import { CflowError, messageOf, type AnyUrl } from '@cflow/base'
import type { Runtime } from './runtime.js'

export interface OpenOptions {
  /**
   * Name of a driver; by default onnxruntime-node in Node and onnxruntime-web in browsers. Or a driver itself: that of
   * TensorFlow.js in a page (`import { tfjs } from '@cflow/runtimes/tfjs'`).
   */
  readonly driver?: string | Driver
  /**
   * Device of the driver, or `driver:device`.
   * - onnxruntime-node: `cpu` (default), or an execution provider that the installed one has (cuda, dml, coreml, webgpu)
   * - onnxruntime-web: `auto` (default; WebGPU where the browser offers the adapter of a GPU, else WASM), `webgpu` (required;
   *   operators that it lacks run on WASM), `wasm` (the CPU), `jspi` (WebGPU by another build, for engines with JSPI)
   * - tfjs: `auto` (default; the first that can be had of the following), `tensorflow` (tfjs-node-gpu or tfjs-node),
   *   `webgpu`, `webgl`, `wasm`, `cpu`
   */
  readonly device?: string
  /**
   * Threads for one operator; by default the physical cores in Node, the logical ones, at most 8, on WASM. WASM without
   * cross-origin isolation (the headers COOP `same-origin` and COEP `require-corp` or `credentialless`) and outside
   * browsers has one, whatever is asked for.
   */
  readonly threads?: number
  /**
   * Where the site serves the files `ort-wasm-simd-threaded*.{mjs,wasm}` of onnxruntime-web: a folder's URL with a
   * slash at its end, or the URL of each file. Bundlers that follow `new URL(…, import.meta.url)` (Vite, webpack)
   * copy the file by themselves and need none. Nothing is ever fetched from another site.
   */
  readonly wasmPaths?: string | { readonly mjs?: string | AnyUrl; readonly wasm?: string | AnyUrl }
}

/** A runtime's library: it is loaded when it is opened, so that it need not be installed where it is not used. */
export interface Driver {
  readonly name: string
  /** Every device that it may have in Node, the default first. */
  readonly devices: readonly string[]
  /** @throws CflowError RUNTIME when the library cannot be loaded, or lacks the device */
  open(options: Omit<OpenOptions, 'driver'>): Promise<Runtime>
}

/** `openRuntime` over the drivers of a place, the default one first. */
export async function openWith(
  drivers: readonly Driver[],
  { driver, device, ...options }: OpenOptions = {},
): Promise<Runtime> {
  checkThreads(options.threads)
  const given = typeof driver === 'object' ? driver : undefined
  const all = given ? [given] : drivers
  const names = all.map((d) => d.name)
  // the name of a driver alone is its default device
  const asked = device !== undefined && names.includes(device) ? `${device}:` : device
  const [, prefix, own = asked] = /^([^:]*):(.*)$/.exec(asked ?? '') ?? []
  const wanted = typeof driver === 'object' ? driver.name : driver
  if (prefix !== undefined && wanted !== undefined && prefix !== wanted)
    throw new CflowError('USAGE', `the device ${device} is not one of the driver ${wanted}`, {
      subject: 'device',
    })
  const name = prefix ?? wanted ?? names[0]
  const chosen = all.find((d) => d.name === name)
  if (chosen) return chosen.open({ ...options, ...(own && { device: own }) })
  throw new CflowError('RUNTIME', `there is no runtime ${name} here`, {
    subject: name ?? 'driver',
    hint: `there is ${names.join(', ')}`,
  })
}

/** @throws CflowError USAGE when it is not a positive integer */
export function checkThreads(threads: number | undefined): void {
  if (threads !== undefined && !(Number.isInteger(threads) && threads > 0))
    throw new CflowError('USAGE', `threads is a positive integer, got ${threads}`, {
      subject: 'threads',
    })
}

/** A driver's library, or the error that says what to install. */
export const library = <T>(name: string, loading: Promise<T>): Promise<T> =>
  loading.catch((cause: unknown) => {
    throw new CflowError('RUNTIME', `${name} cannot be loaded: ${messageOf(cause)}`, {
      hint: `install it: npm install ${name}`,
      cause,
    })
  })

import { CflowError, messageOf, type AnyUrl } from '@cflow/base'
import type { Runtime } from './runtime.js'

export interface OpenOptions {
  /** Name of a driver; by default onnxruntime-node in Node and onnxruntime-web in browsers. */
  readonly driver?: string
  /**
   * Device of the driver, or `driver:device`.
   * - onnxruntime-node: `cpu` (default), or an execution provider that the installed one has (cuda, dml, coreml, webgpu)
   * - onnxruntime-web: `auto` (default; WebGPU where the browser offers an adapter, else WASM), `webgpu` (required;
   *   operators that it lacks run on WASM), `wasm` (the CPU)
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
  /** @throws CflowError RUNTIME when the library cannot be loaded, or lacks the device */
  open(options: Omit<OpenOptions, 'driver'>): Promise<Runtime>
}

/** `openRuntime` over the drivers of a place, the default one first. */
export async function openWith(
  drivers: readonly Driver[],
  { driver, device, ...options }: OpenOptions = {},
): Promise<Runtime> {
  checkThreads(options.threads)
  const [, prefix, own = device] = /^([^:]*):(.*)$/.exec(device ?? '') ?? []
  if (prefix !== undefined && driver !== undefined && prefix !== driver)
    throw new CflowError('USAGE', `the device ${device} is not one of the driver ${driver}`, {
      subject: 'device',
    })
  const names = drivers.map((d) => d.name)
  const name = prefix ?? driver ?? names[0]
  const chosen = drivers.find((d) => d.name === name)
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

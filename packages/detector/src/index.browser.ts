import type { WebRuntimeOptions } from '@cflow/runtimes/web'
import { decode } from './browser/decode.js'
import type { ImageSource } from './browser/decode.js'
import { readModel } from './browser/read.js'
import type { DetectorSource } from './browser/read.js'
import { openDetector } from './detector.js'
import type { Detector as DetectorOf } from './detector.js'
import { manifestOf } from './model.js'
import type { DetectorFile } from './model.js'
import { checkOptions, runtimeOptions } from './options.js'
import type { LoadOptions as SharedOptions } from './options.js'

export * from './shared.js'
export { decode as decodeImage } from './browser/decode.js'
export type { ImageSource } from './browser/decode.js'
export type { DetectorSource } from './browser/read.js'
export type Detector = DetectorOf<ImageSource>

export interface LoadOptions extends SharedOptions {
  /** Where the site serves onnxruntime-web's files; bundlers usually need none (see `webRuntime`). */
  readonly wasmPaths?: WebRuntimeOptions['wasmPaths']
}

/**
 * Load a detector file (a `model.onnx` that `cflow train` writes). It runs on onnxruntime-web unless a runtime is
 * given (WebGPU where there is one, else WASM), which is loaded when it is needed.
 * @param source a URL relative to the page, the file's bytes, or a Blob or File
 * @throws CflowError MODEL (not a detector, or made by a later version), NOT_FOUND, USAGE, NETWORK; RUNTIME where
 *   onnxruntime-web cannot start or there is no such device
 */
export async function loadDetector(
  source: DetectorSource,
  options: LoadOptions = {},
): Promise<Detector> {
  checkOptions(options)
  const makeRuntime = async () => {
    if (options.runtime) return options.runtime
    const { webRuntime } = await import('@cflow/runtimes/web')
    const { wasmPaths } = options
    return webRuntime({
      ...runtimeOptions(options),
      ...(wasmPaths === undefined ? {} : { wasmPaths }),
    })
  }
  return openDetector(await readModel(source), makeRuntime, decode, options.threads)
}

/**
 * Read a detector file and its manifest, without running it.
 * @param source a URL relative to the page, the file's bytes, or a Blob or File
 * @throws CflowError MODEL (not a detector, or made by a later version), NOT_FOUND, USAGE, NETWORK
 */
export async function readDetector(source: DetectorSource): Promise<DetectorFile> {
  const file = await readModel(source)
  return { model: file.bytes, manifest: manifestOf(file) }
}

import { openDetector } from './detector.js'
import type { Detector as DetectorOf } from './detector.js'
import { decode } from './node/decode.js'
import type { ImageSource } from './node/decode.js'
import { readModel } from './node/read.js'
import type { DetectorSource } from './node/read.js'
import { manifestOf } from './model.js'
import type { DetectorFile } from './model.js'
import { checkOptions, runtimeOptions } from './options.js'
import type { LoadOptions } from './options.js'

export * from './shared.js'
export { decode as decodeImage } from './node/decode.js'
export type { ImageSource } from './node/decode.js'
export type { DetectorSource } from './node/read.js'
export type Detector = DetectorOf<ImageSource>

/**
 * Load a detector file (a `model.onnx` that `cflow train` writes). It runs on onnxruntime-node unless a runtime is
 * given; images are decoded by sharp. Both are loaded when they are needed.
 * @param source a path, a `file:`, `http:` or `https:` URL, the file's bytes, or a Blob
 * @throws CflowError MODEL (not a detector, or made by a later version), NOT_FOUND, USAGE, IO, NETWORK; RUNTIME where
 *   onnxruntime-node is not installed or lacks the device
 */
export async function loadDetector(
  source: DetectorSource,
  options: LoadOptions = {},
): Promise<Detector> {
  checkOptions(options)
  const makeRuntime = async () => {
    if (options.runtime) return options.runtime
    const { nodeRuntime } = await import('@cflow/runtimes/node')
    return nodeRuntime(runtimeOptions(options))
  }
  return openDetector(await readModel(source), makeRuntime, decode, options.threads)
}

/**
 * Read a detector file and its manifest, without running it.
 * @param source a path, a `file:`, `http:` or `https:` URL, the file's bytes, or a Blob
 * @throws CflowError MODEL (not a detector, or made by a later version), NOT_FOUND, USAGE, IO, NETWORK
 */
export async function readDetector(source: DetectorSource): Promise<DetectorFile> {
  const file = await readModel(source)
  return { model: file.bytes, manifest: manifestOf(file) }
}

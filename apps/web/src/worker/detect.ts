import './errors-across.js'
import { expose, transfer } from 'comlink'
import { CflowError } from '@cflow/base'
import type { Manifest } from '@cflow/core'
import { loadDetector, type Detection, type Detector } from '@cflow/detector'
import { watchGpu } from './watch-gpu.js'

/** How to run: a device of onnxruntime-web, its threads, and the folder of onnxruntime-web's files. */
export interface EngineOptions {
  readonly device: 'wasm' | 'webgpu'
  readonly threads?: number
  readonly wasmPaths: string
}

export interface Loaded {
  readonly manifest: Manifest
  /** Name of the runtime, with its threads. */
  readonly runtime: string
}

let detector: Detector | undefined

/** One detector on one engine; decoding, too, happens here. */
const api = {
  /** @param onLost called when the GPU is lost */
  async load(model: Blob, options: EngineOptions, onLost?: () => void): Promise<Loaded> {
    detector = await loadDetector(model, options)
    if (options.device === 'webgpu' && onLost) watchGpu(onLost)
    return { manifest: detector.manifest, runtime: detector.runtime }
  },
  async detect(image: Blob): Promise<Detection> {
    if (!detector) throw new CflowError('USAGE', 'no detector is loaded')
    const detection = await detector.detect(image)
    return transfer(detection, [detection.anomalyMap.data.buffer])
  },
}

export type DetectWorker = typeof api
expose(api)

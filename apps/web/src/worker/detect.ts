import { transfer } from 'comlink'
import { CflowError } from '@cflow/base'
import {
  decodeImage,
  loadDetector,
  type AnomalyMap,
  type Detection,
  type Detector,
} from '@cflow/detector'
import { received, rehearsal, type PackedWasm } from '../engine/packed.js'
import { waited } from './handle.js'
import { serve } from './serve.js'
import { giveWasm } from './wasm.js'

/** How to run: a device of onnxruntime-web, its threads, and the folder of onnxruntime-web's files. */
export interface EngineOptions {
  readonly device: 'wasm' | 'webgpu'
  readonly threads?: number
  readonly wasmPaths: string
}

let detector: Detector | undefined
let prepared: Promise<void> | undefined
/** Whether a detector is to be loaded: what only prepares then ends. */
let isAsked = false

/** One detector on one engine; decoding, too, happens here. */
const api = {
  /** Start WASM with what comes through a port, while the detector is on its way: compiling takes long. */
  prepare: (packed: MessagePort, options: EngineOptions): Promise<void> =>
    (prepared = rehearse(received(packed), options)),
  /** @param onLost called when the GPU is lost */
  async load(model: Blob, options: EngineOptions, onLost: () => void) {
    isAsked = true
    await prepared
    if (options.device === 'wasm') await giveWasm()
    detector = await loadDetector(model, options)
    if (options.device === 'webgpu') void watchGpu(onLost)
    const { manifest, runtime } = detector
    return { manifest, runtime }
  },
  async detect(image: Blob | ImageData): Promise<Detection> {
    if (!detector) throw new CflowError('USAGE', 'no detector is loaded')
    const detection = await detector.detect(image)
    return transfer(detection, [detection.anomalyMap.data.buffer])
  },
  /** The anomaly map of each scale alone. */
  async scaleMaps(image: Blob): Promise<readonly AnomalyMap[]> {
    if (!detector) throw new CflowError('USAGE', 'no detector is loaded')
    const parts = { map: false, contributions: false, scaleMaps: true } as const
    const { scaleMaps } = await detector.detect(image, { parts })
    return transfer(
      scaleMaps,
      scaleMaps.map(({ data }) => data.buffer),
    )
  },
}

export type DetectWorker = typeof api
serve(api)

/**
 * Load and run a detector without weights: browsers compile what of WASM is called when it is called first, which takes longer
 * than the rest of a first verdict.
 */
async function rehearse(packed: PackedWasm, options: EngineOptions): Promise<void> {
  const file = rehearsal()
  file.catch(() => undefined)
  // decoding, too, takes long the first time
  decodeDot().catch(() => undefined)
  await giveWasm(packed)
  if (isAsked) return
  try {
    const detector = await loadDetector(await file, options)
    // what was asked for meanwhile is heard
    await waited(0)
    if (!isAsked) await detector.detect(new ImageData(320, 320))
    await detector.release()
  } catch (error) {
    console.warn('nothing was rehearsed:', error)
  }
}

async function decodeDot(): Promise<void> {
  const canvas = new OffscreenCanvas(1, 1)
  canvas.getContext('2d')?.fillRect(0, 0, 1, 1)
  await decodeImage(await canvas.convertToBlob())
}

/** Tell when the device that onnxruntime-web uses is lost (a driver's crash, a sleeping laptop): its runs may never end. */
async function watchGpu(onLost: () => void): Promise<void> {
  const { env } = await import('onnxruntime-web/webgpu')
  const device = (await env.webgpu.device) as unknown as { lost?: Promise<unknown> } | undefined
  await device?.lost
  if (device?.lost) onLost()
}

import { transfer } from 'comlink'
import { CflowError, floats } from '@cflow/base'
import { loadDetector, type AnomalyMap, type Detection, type Detector } from '@cflow/detector'
import { input, relu, writeOnnx } from '@cflow/graph'
import { openRuntime } from '@cflow/runtimes'
import { received } from '../engine/packed.js'
import { serve } from './serve.js'
import { giveWasm } from './wasm.js'

/** How to run: a device of onnxruntime-web, its threads, and the folder of onnxruntime-web's files. */
export interface EngineOptions {
  readonly device: 'wasm' | 'webgpu'
  readonly threads?: number
  readonly wasmPaths: string
}

let detector: Detector | undefined

/** One detector on one engine; decoding, too, happens here. */
const api = {
  /** Start WASM with what comes through a port, while the detector is on its way: compiling takes long. */
  async prepare(packed: MessagePort, options: EngineOptions): Promise<void> {
    await giveWasm(received(packed))
    const runtime = await openRuntime(options)
    const session = await runtime.createSession(writeOnnx({ y: relu(input('x', 'float32', [1])) }))
    await session.run({ x: floats('float32', [1], new Float32Array(1)) })
    await session.release()
  },
  /** @param onLost called when the GPU is lost */
  async load(model: Blob, options: EngineOptions, onLost: () => void) {
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

/** Tell when the device that onnxruntime-web uses is lost (a driver's crash, a sleeping laptop): its runs may never end. */
async function watchGpu(onLost: () => void): Promise<void> {
  const { env } = await import('onnxruntime-web/webgpu')
  const device = (await env.webgpu.device) as unknown as { lost?: Promise<unknown> } | undefined
  await device?.lost
  if (device?.lost) onLost()
}

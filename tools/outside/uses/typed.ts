// what is typed in Node and in pages, under either resolution
import { CflowError, Random, type Tensor } from '@cflow/base'
import { flowOf, initialiseFlow, samples, type FlowConfig } from '@cflow/core'
import { syntheticDataset, type Sample } from '@cflow/datasets'
import { loadDetector, type Detection, type Detector } from '@cflow/detector'
import { encoderSpec } from '@cflow/encoders'
import { embeddedWeightsUrl } from '@cflow/encoders/embedded'
import { add, input, writeOnnx } from '@cflow/graph'
import { methods, resolveConfig } from '@cflow/methods'
import { auroc } from '@cflow/metrics'
import { exportHalf } from '@cflow/quantization'
import { heatRange } from '@cflow/report'
import { openRuntime, type Runtime } from '@cflow/runtimes'
import { contract } from '@cflow/runtimes/contract'
import { trainDetector, type Progress, type TrainedDetector } from '@cflow/trainer'
import { readWeights } from '@cflow/weights'

const x = input('x', 'float32', ['N', 2])
export const file: Uint8Array = exportHalf(writeOnnx({ y: add(x, x) })).model
export const area: number = auroc([1, 2], [0, 1])

const config: FlowConfig = {
  ...{ depth: 8, condition: 0, couplingLayers: 2 },
  ...{ permutation: 'hard', clamp: 'paper' },
}
export async function draw(runtime: Runtime): Promise<Tensor> {
  const random = Random.seeded(0)
  const flow = flowOf({ config, parameters: initialiseFlow(config, random, 'random') })
  return samples(flow, 3, { runtime, random })
}

export async function inspect(images: readonly Sample[]): Promise<Detection | undefined> {
  const loaded = await Promise.all(images.map((sample) => sample.load()))
  const trained: TrainedDetector = await trainDetector(loaded, {
    ...{ method: 'padim', channels: 50, category: 'mesh' },
    onProgress: ({ stage, done, total }: Progress) => [stage, done / total],
  })
  // @ts-expect-error: a setting of another method's kind
  await trainDetector(loaded, { inputSize: 'large' })
  const detector: Detector = await loadDetector(trained.model, { runtime: await openRuntime() })
  const detection = await detector.detect(loaded[0]!, { falsePositiveRate: 0.02 })
  const brief = await detector.detect(loaded[0]!, { parts: { map: false } })
  // @ts-expect-error: not asked for
  const absent = brief.anomalyMap
  return absent === undefined && heatRange([detection.anomalyMap], detection.threshold)
    ? detection
    : undefined
}

export const names: readonly string[] = methods.map(({ name }) => name)
export const others = [
  resolveConfig({ method: 'spade' }),
  encoderSpec('resnet-18'),
  syntheticDataset({ kind: 'cable' }),
  contract.length,
  embeddedWeightsUrl('efficientnet-lite0').href,
]
export const broken = (): unknown => {
  try {
    return readWeights(new Uint8Array(3))
  } catch (error) {
    return error instanceof CflowError ? error.code : error
  }
}

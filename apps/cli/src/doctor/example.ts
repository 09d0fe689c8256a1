import { Random, floats, imageTensor, tensor, type Tensor } from '@cflow/base'
import {
  adamFeeds,
  conditionSize,
  detectorNames,
  flatten,
  flowHead,
  initialiseFlow,
  splitState,
  stateNames,
  stepState,
  trainingStep,
  writeDetector,
  type FlowConfig,
} from '@cflow/core'
import { syntheticDataset } from '@cflow/datasets'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import * as g from '@cflow/graph'
import { cflow } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import { software } from '@cflow/trainer'

/** What devices are tried with. */
export interface Example {
  readonly detector: Uint8Array
  /** Feeds of the detector: one image. */
  readonly image: Readonly<Record<string, Tensor>>
  /** A file in int8, as the exporter writes them. */
  readonly int8: Uint8Array
}

/**
 * A detector of the default recipe and size, on an image that is rendered here. Its encoder is the real one, and its flows
 * are as they are before the first step: it costs what a trained one costs.
 */
export async function makeExample(): Promise<Example> {
  const { encoder, inputSize, poolLayers, couplingLayers, permutation, clamp, aggregation } = cflow.recipes.whitened // prettier-ignore
  const spec = encoderSpec(encoder)
  const model = encoderModel(spec, await loadEncoderWeights(spec.name), poolLayers, inputSize)
  const random = Random.seeded(0, 'doctor')
  const flows = model.taps.map(({ channels: depth, height, width }) => {
    const config = { depth, condition: conditionSize, couplingLayers, permutation, clamp }
    const positions = height * width
    const mean = new Float32Array(positions * depth)
    const matrix = Float32Array.from({ length: depth ** 2 }, (_, i) => Number(i % (depth + 1) === 0)) // prettier-ignore
    const whitening = { depth, positions, mean, matrix, logDeterminant: 0 }
    return { config, parameters: initialiseFlow(config, random, 'random'), whitening }
  })
  const detector = writeDetector(model.encoder, flowHead(flows, aggregation), {
    ...{ format: 'cflow-detector', version: 1, software, method: 'cflow', category: 'doctor' },
    encoder: { name: encoder, mean: [...spec.mean], std: [...spec.std], taps: [...model.taps] },
    ...{ inputSize, recipe: 'whitened', flows: flows.map((f) => f.config), aggregation },
    scales: model.taps.map(({ channels: depth }) => ({ depth, mean: 0, deviation: 1, max: 0 })),
    calibration: { source: 'held-out', scores: [0], falsePositiveRate: 0.05, threshold: 0, guaranteed: false }, // prettier-ignore
    training: { seed: 0, images: 1, heldOut: 1, passes: 0, digest: '' },
  })
  const { test } = syntheticDataset({ kind: 'cable', size: inputSize, train: 0, test: 1, seed: 0 })
  return {
    detector,
    image: { [detectorNames.image]: imageTensor(await test[0]!.load()) },
    int8: int8File(),
  }
}

const asBytes = { scale: 1 / 32, zero: 128 }

function int8File(): Uint8Array {
  const x = g.dequantize(g.quantize(g.input('x', 'float32', [1, 8, 8, 8]), asBytes), asBytes)
  const values = tensor('int8', [16, 8, 3, 3], Int8Array.from({ length: 1152 }, (_, i) => ((i * 37) % 255) - 127)) // prettier-ignore
  const scales = new Float32Array(16).fill(1 / 512)
  return g.writeOnnx({ y: g.conv(x, g.dequantizeConstant(values, scales, 0, 'w'), { pads: [1, 1, 1, 1] }) }) // prettier-ignore
}

export const int8Feeds = (): Readonly<Record<string, Tensor>> => ({
  x: floats(
    'float32',
    [1, 8, 8, 8],
    Float32Array.from({ length: 512 }, (_, i) => Math.sin(i)),
  ),
})

/** Rows of a mini-batch, and places that they lie at. */
const [rows, positions] = [1024, 64]

/** The training of a flow of the default recipe, on random features. */
export interface Training {
  /** Feature vectors of a step. */
  readonly rows: number
  /** @returns the loss */
  step(): Promise<number>
  release(): Promise<void>
}

export async function openTraining(runtime: Runtime): Promise<Training> {
  const { couplingLayers, permutation, clamp } = cflow.recipes.whitened
  const config: FlowConfig = { depth: 112, condition: conditionSize, couplingLayers, permutation, clamp } // prettier-ignore
  const random = Random.seeded(0, 'doctor')
  const initial = initialiseFlow(config, random, 'random')
  const groups = stepState(config)
  const bytes = trainingStep(config, initial, { rows, positions, loss: 'nll' })
  const session = await runtime.createSession(bytes, { state: stateNames(groups) })
  const theta = flatten(config, initial).data as Float32Array
  session.setState(splitState(groups, { theta, m: theta.map(() => 0), v: theta.map(() => 0) }))
  const drawn = (n: number, columns: number) =>
    floats('float32', [n, columns], Float32Array.from({ length: n * columns }, () => random.normal())) // prettier-ignore
  const fixed = { features: drawn(rows, config.depth), condition: drawn(positions, conditionSize) }
  let t = 0
  return {
    rows,
    async step() {
      const { rate, epsilon } = adamFeeds(1e-3, ++t)
      const scalar = (v: number) => floats('float32', [], [v])
      const { loss } = await session.run({ ...fixed, rate: scalar(rate), epsilon: scalar(epsilon) })
      return Number(loss!.data[0])
    },
    release: () => session.release(),
  }
}

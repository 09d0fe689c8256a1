import { Random, type RgbImage } from '../packages/base/src/index.js'
import {
  conditionSize,
  flowHead,
  initialiseFlow,
  writeDetector,
} from '../packages/core/src/index.js'
import type { ScaleFlow } from '../packages/core/src/index.js'
import { encoderModel, encoderSpec } from '../packages/encoders/src/index.js'
import { cflow } from '../packages/methods/src/index.js'
import { exportInt8 } from '../packages/quantization/src/index.js'
import type { Runtime } from '../packages/runtimes/src/index.node.js'
import { software } from '../packages/trainer/src/index.node.js'
import { randomWeights } from '../packages/experiments/src/complexity/weights.js'

/**
 * A detector file of a recipe's shape with random numbers in it: for sizes and speed, not for accuracy.
 * @param padding of a ResNet; that of the authors by default
 */
export function randomDetector(
  encoder: string,
  recipe: keyof typeof cflow.recipes = 'whitened',
  padding?: 'zeros' | 'reflect',
): Uint8Array {
  const spec = encoderSpec(encoder, padding && { padding })
  const random = Random.seeded(1, 'random detector')
  const { inputSize, poolLayers, couplingLayers, permutation, clamp, aggregation, whitening } =
    cflow.recipes[recipe]
  const model = encoderModel(spec, randomWeights(spec), poolLayers, inputSize)
  const flows = model.taps.map(({ channels: depth, height, width }): ScaleFlow => {
    const config = { depth, condition: conditionSize, couplingLayers, permutation, clamp }
    // hard matrices are drawn at once; a rotation of 2,048 dimensions takes minutes
    const drawn = permutation === 'soft' ? ('hard' as const) : permutation
    const parameters = initialiseFlow({ ...config, permutation: drawn }, random, 'random')
    if (!whitening) return { config, parameters }
    const matrix = new Float32Array(depth * depth)
    for (let i = 0; i < depth; i++) {
      for (let j = 0; j < i; j++) matrix[i * depth + j] = random.normal() / depth
      matrix[i * (depth + 1)] = 1
    }
    const positions = height * width
    const mean = Float32Array.from({ length: positions * depth }, () => random.normal())
    return { config, parameters, whitening: { depth, positions, mean, matrix, logDeterminant: 0 } }
  })
  return writeDetector(model.encoder, flowHead(flows, aggregation), {
    format: 'cflow-detector',
    version: 1,
    software,
    method: 'cflow',
    category: 'random',
    encoder: {
      name: encoder,
      mean: [...spec.mean],
      std: [...spec.std],
      taps: [...model.taps],
    },
    inputSize,
    recipe,
    flows: flows.map((f) => f.config),
    aggregation,
    scales: model.taps.map(({ channels }) => ({ depth: channels, mean: -2, deviation: 1, max: 0 })),
    calibration: {
      source: 'held-out',
      scores: [1, 2, 3],
      falsePositiveRate: 0.05,
      threshold: 3,
      guaranteed: false,
    },
    training: { seed: 0, images: 3, heldOut: 3, passes: 0, digest: '' },
  })
}

/** Images of noise. */
export function noiseImages(count: number, size = 256): RgbImage[] {
  const random = Random.seeded(2, 'noise')
  return Array.from({ length: count }, () => ({
    width: size,
    height: size,
    data: Uint8Array.from({ length: size * size * 3 }, () => random.integer(256)),
  }))
}

/** A random detector in int8 as the exporter writes it, calibrated on noise; there is no accuracy that a gate could hold. */
export async function randomInt8(bytes: Uint8Array, runtime: Runtime): Promise<Uint8Array> {
  const images = noiseImages(5)
  const { model } = await exportInt8(bytes, {
    runtime,
    method: 'minmax',
    images: async function* () {
      yield* images
    },
    gate: () => Promise.resolve({ passed: true, text: 'random weights have no accuracy' }),
  })
  return model
}

import { Random, sizeOf, tensor } from '../packages/base/src/index.js'
import { conditionSize, initialiseFlow, writeDetector } from '../packages/core/src/index.js'
import type { ScaleFlow } from '../packages/core/src/index.js'
import { encoderSpec } from '../packages/encoders/src/index.js'
import { encoderModel, software } from '../packages/trainer/src/index.js'

/** A detector file of the default recipe's shape with random numbers in it: for sizes and speed, not for accuracy. */
export function randomDetector(encoder: string, size = 256): Uint8Array {
  const spec = encoderSpec(encoder)
  const random = Random.seeded(1, 'random detector')
  const weights = new Map(
    spec.parameters.map(({ key, shape }) => {
      const n = sizeOf(shape)
      const deviation = Math.sqrt((2 * (shape[0] as number)) / n)
      const one = /(weight|running_var)$/.test(key) ? 1 : 0
      const value = () => (shape.length === 4 ? deviation * random.normal() : one)
      return [key, tensor('float32', shape, Float32Array.from({ length: n }, value))] as const
    }),
  )
  const { encoder: built, scales } = encoderModel(spec, weights, 3, size)
  const flows = scales.map(({ depth, height, width }): ScaleFlow => {
    const config = {
      depth,
      condition: conditionSize,
      couplingLayers: 4,
      permutation: 'alternate',
      clamp: 'paper',
    } as const
    const matrix = new Float32Array(depth * depth)
    for (let i = 0; i < depth; i++) matrix[i * (depth + 1)] = 1
    const positions = height * width
    const mean = new Float32Array(positions * depth)
    const whitening = { depth, positions, mean, matrix, logDeterminant: 0 }
    return { config, parameters: initialiseFlow(config, random, 'random'), whitening }
  })
  return writeDetector(built, flows, {
    format: 'cflow-detector',
    version: 1,
    software,
    method: 'cflow',
    category: 'random',
    encoder: {
      name: encoder,
      mean: [...spec.mean],
      std: [...spec.std],
      taps: scales.map(({ tap, depth, stride, height, width }) => ({
        ...{ name: tap, channels: depth },
        ...{ stride, height, width },
      })),
    },
    inputSize: size,
    recipe: 'whitened',
    flows: flows.map((f) => f.config),
    aggregation: 'standardised',
    scales: scales.map(({ depth }) => ({ depth, mean: -2, deviation: 1, max: 0 })),
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

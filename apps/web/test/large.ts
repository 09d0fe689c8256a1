import { Random, floats, sizeOf } from '@cflow/base'
import { flowHead, initialiseFlow, writeDetector } from '@cflow/core'
import type { Encoder, Manifest, ScaleFlow } from '@cflow/core'
import { constant, conv } from '@cflow/graph'

const random = Random.seeded(1)
const weights = (shape: number[]) =>
  constant(
    floats(
      'float32',
      shape,
      Float32Array.from({ length: sizeOf(shape) }, () => 0.01 * random.normal()),
    ),
  )
const [inputSize, stride, depth] = [128, 16, 4]

/** So many channels of all pixels lie between its two convolutions. */
function encoder(channels: number): Encoder {
  const [wide, narrow] = [weights([channels, 3, 1, 1]), weights([depth, channels, 1, 1])]
  return {
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    taps: (x) => [conv(conv(x, wide), narrow, { strides: [stride, stride] })],
  }
}
const config = {
  depth,
  condition: 8,
  couplingLayers: 1,
  permutation: 'alternate',
  clamp: 'paper',
} as const
const flow: ScaleFlow = { config, parameters: initialiseFlow(config, random, 'random') }
const side = inputSize / stride
const manifest: Manifest = {
  format: 'cflow-detector',
  version: 1,
  software: { name: 'cflow', version: '0.1.0' },
  method: 'cflow',
  category: 'too large',
  encoder: {
    name: 'wide',
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    taps: [{ name: 'only', channels: depth, stride, height: side, width: side }],
  },
  inputSize,
  recipe: 'whitened',
  flows: [config],
  aggregation: 'joint',
  scales: [{ depth, mean: -1, deviation: 1, max: 0 }],
  calibration: {
    source: 'held-out',
    scores: Array.from({ length: 39 }, (_, i) => 8 + i / 4),
    falsePositiveRate: 0.05,
    threshold: 17.25,
    guaranteed: true,
  },
  training: { seed: 0, images: 2, heldOut: 39, passes: 1, digest: '' },
}

/** A detector file of some megabytes that needs so many bytes to run. */
export const needing = (bytes: number): Uint8Array =>
  writeDetector(
    encoder(Math.ceil(bytes / (4 * inputSize ** 2))),
    flowHead([flow], 'joint'),
    manifest,
  )

import { Random, floats, sizeOf } from '@cflow/base'
import type { RgbImage } from '@cflow/base'
import { flowHead, initialiseFlow, writeDetector } from '@cflow/core'
import type { Encoder, Manifest, ScaleFlow } from '@cflow/core'
import { constant, conv } from '@cflow/graph'

const random = Random.seeded(1)
const weights = (shape: number[]) =>
  constant(
    floats(
      'float32',
      shape,
      Array.from({ length: sizeOf(shape) }, () => 0.3 * random.normal()),
    ),
  )
const [w1, w2] = [weights([8, 3, 4, 4]), weights([4, 8, 2, 2])]

/** Two convolutions, a tap after each: strides 4 and 8. */
const encoder: Encoder = {
  mean: [0.5, 0.5, 0.5],
  std: [0.5, 0.5, 0.5],
  taps(x) {
    const a = conv(x, w1, { strides: [4, 4] })
    return [a, conv(a, w2, { strides: [2, 2] })]
  },
}

const flows = [8, 4].map((depth): ScaleFlow => {
  const config = {
    depth,
    condition: 8,
    couplingLayers: 2,
    permutation: 'alternate',
    clamp: 'paper',
  } as const
  return { config, parameters: initialiseFlow(config, random, 'random') }
})

export const toyManifest: Manifest = {
  format: 'cflow-detector',
  version: 1,
  software: { name: 'cflow', version: '0.1.0' },
  method: 'cflow',
  category: 'toy',
  encoder: {
    name: 'toy',
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    taps: [
      { name: 'fine', channels: 8, stride: 4, height: 4, width: 4 },
      { name: 'coarse', channels: 4, stride: 8, height: 2, width: 2 },
    ],
  },
  inputSize: 16,
  recipe: 'whitened',
  flows: flows.map((f) => f.config),
  aggregation: 'joint',
  scales: [
    { depth: 8, mean: -1.2, deviation: 0.4, max: -0.5 },
    { depth: 4, mean: -1.1, deviation: 0.3, max: -0.6 },
  ],
  calibration: {
    source: 'held-out',
    scores: Array.from({ length: 39 }, (_, i) => 8 + i / 4),
    falsePositiveRate: 0.05,
    threshold: 17.25,
    guaranteed: true,
  },
  training: { seed: 0, images: 2, heldOut: 39, passes: 1, digest: '' },
}

/** A detector file of 16×16 pixels with two scales. */
export function toyDetector(changes: Partial<Manifest> = {}): Uint8Array {
  const manifest = { ...toyManifest, ...changes }
  return writeDetector(encoder, flowHead(flows, manifest.aggregation), manifest)
}

/** An image of noise. */
export function noise(seed: number, width: number, height: number): RgbImage {
  const r = Random.seeded(seed)
  return {
    width,
    height,
    data: Uint8Array.from({ length: 3 * width * height }, () => r.integer(256)),
  }
}

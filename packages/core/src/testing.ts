import { Random, floats, sizeOf, type RgbImage } from '@cflow/base'
import { add, clip, constant, conv, maxPool, pad, relu, type Value } from '@cflow/graph'
import { flowHead, initialiseFlow, writeDetector, type Encoder, type Manifest, type ScaleFlow } from './index.js' // prettier-ignore

/** For tests of this workspace: a detector that is made and run in milliseconds. */

const random = Random.seeded(1)
const weights = (name: string, shape: number[], size: number) => {
  const values = Array.from({ length: sizeOf(shape) }, () => size * random.normal())
  return constant(floats('float32', shape, values), name)
}
const layer = (name: string, shape: number[], size: number) => ({
  weight: weights(`${name}.weight`, shape, size),
  bias: weights(`${name}.bias`, [shape[0] as number], 0.1),
})
const stem = layer('stem', [8, 3, 3, 3], 0.3)
const first = layer('block.conv1', [8, 8, 3, 3], 0.15)
const second = layer('block.conv2', [8, 8, 3, 3], 0.15)
const depthwise = layer('down.conv_dw', [8, 1, 3, 3], 0.4)
const project = layer('down.conv_pw', [12, 8, 1, 1], 0.4)

const apply = (x: Value, { weight, bias }: typeof stem, options: object = {}) =>
  conv(x, weight, { bias, ...options })
const pads = [1, 1, 1, 1] as const

/** One of everything: reflection, ReLU, max-pool, residual, depthwise, ReLU6; taps of strides 4 and 8. */
const encoder: Encoder = {
  mean: [0.5, 0.5, 0.5],
  std: [0.25, 0.25, 0.25],
  taps(pixels) {
    const framed = pad(pixels, [0, 0, 1, 1, 0, 0, 1, 1], 'reflect')
    const x = maxPool(relu(apply(framed, stem, { strides: [2, 2] })), [3, 3], [2, 2], [1, 1, 1, 1])
    const y = apply(relu(apply(x, first, { pads })), second, { pads })
    const tap = relu(add(y, x))
    const down = clip(apply(tap, depthwise, { pads, strides: [2, 2], group: 8 }), 0, 6)
    return [tap, apply(down, project)]
  },
}

/** A flow with random numbers behind a whitening that changes nothing, for a feature map of so many positions. */
export function toyFlow(depth: number, positions: number): ScaleFlow {
  const config = { depth, condition: 8, couplingLayers: 2, permutation: 'alternate', clamp: 'paper' } as const // prettier-ignore
  const mean = new Float32Array(positions * depth)
  const matrix = Float32Array.from({ length: depth ** 2 }, (_, i) => Number(i % (depth + 1) === 0))
  return {
    config,
    parameters: initialiseFlow(config, random, 'random'),
    whitening: { depth, positions, mean, matrix, logDeterminant: 0 },
  }
}

const flows = [toyFlow(8, 64), toyFlow(12, 16)]

/** Of a detector of 32×32 pixels with two scales. */
export const toyManifest: Manifest = {
  format: 'cflow-detector',
  version: 1,
  software: { name: 'cflow', version: '0.1.0' },
  method: 'cflow',
  category: 'toy',
  encoder: {
    name: 'toy',
    mean: [0.5, 0.5, 0.5],
    std: [0.25, 0.25, 0.25],
    taps: [
      { name: 'fine', channels: 8, stride: 4, height: 8, width: 8 },
      { name: 'coarse', channels: 12, stride: 8, height: 4, width: 4 },
    ],
  },
  inputSize: 32,
  recipe: 'whitened',
  flows: flows.map((f) => f.config),
  aggregation: 'joint',
  scales: [
    { depth: 8, mean: -1.2, deviation: 0.4, max: -0.5 },
    { depth: 12, mean: -1.1, deviation: 0.3, max: -0.6 },
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

/** A detector file; the same bytes for the same changes of the manifest. */
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

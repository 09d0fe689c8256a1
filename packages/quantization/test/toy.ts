import { Random, floats, sizeOf, tensor } from '@cflow/base'
import type { RgbImage } from '@cflow/base'
import { flowHead, initialiseFlow, writeDetector } from '@cflow/core'
import type { Encoder, Manifest, ScaleFlow } from '@cflow/core'
import { add, clip, constant, conv, maxPool, pad, relu } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { Images } from '../src/index.js'

const random = Random.seeded(1)
const named = (name: string, shape: number[], size: number) =>
  constant(
    floats(
      'float32',
      shape,
      Array.from({ length: sizeOf(shape) }, () => size * random.normal()),
    ),
    name,
  )
const layer = (name: string, shape: number[], size: number) => ({
  weight: named(`${name}.weight`, shape, size),
  bias: named(`${name}.bias`, [shape[0] as number], 0.1),
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

const flows = [8, 12].map((depth): ScaleFlow => {
  const config = {
    depth,
    condition: 8,
    couplingLayers: 2,
    permutation: 'alternate',
    clamp: 'paper',
  } as const
  const matrix = Float32Array.from({ length: depth ** 2 }, (_, i) =>
    i % (depth + 1) === 0 ? 1 : 0,
  )
  const positions = (32 / (depth === 8 ? 4 : 8)) ** 2
  const mean = new Float32Array(positions * depth)
  return {
    config,
    parameters: initialiseFlow(config, random, 'random'),
    whitening: { depth, positions, mean, matrix, logDeterminant: 0 },
  }
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
  scales: [8, 12].map((depth) => ({ depth, mean: -1.2, deviation: 0.4, max: -0.5 })),
  calibration: {
    source: 'held-out',
    scores: Array.from({ length: 39 }, (_, i) => 8 + i / 4),
    falsePositiveRate: 0.05,
    threshold: 17.25,
    guaranteed: true,
  },
  training: { seed: 0, images: 2, heldOut: 39, passes: 1, digest: '' },
}

/** A detector file of 32×32 pixels with two scales. */
export function toyDetector(changes: Partial<Manifest> = {}): Uint8Array {
  const manifest = { ...toyManifest, ...changes }
  return writeDetector(encoder, flowHead(flows, manifest.aggregation), manifest)
}

/** Smooth images of differing contrast, so that their scores differ. */
export const toyImages = (count: number): Images =>
  async function* () {
    for (let i = 0; i < count; i++) yield wave(i)
  }

function wave(seed: number): RgbImage {
  const r = Random.seeded(seed, 'wave')
  const [fx, fy, contrast] = [r.uniform(0.1, 1), r.uniform(0.1, 1), 20 + 8 * seed]
  const at = (i: number) => Math.sin(fx * (i % 32) + (i % 3)) * Math.cos(fy * Math.floor(i / 96))
  const data = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => {
    return Math.min(Math.max(128 + contrast * at(i) + r.uniform(-4, 4), 0), 255)
  })
  return { width: 32, height: 32, data: tensor('uint8', [32, 32, 3], data).data }
}

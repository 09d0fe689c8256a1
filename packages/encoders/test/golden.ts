import { readFileSync } from 'node:fs'
import { sizeOf, tensor, type Tensor } from '@cflow/base'
import { input, writeOnnx } from '@cflow/graph'
import * as ort from 'onnxruntime-node'
import { expect } from 'vitest'
import type { Weights } from '@cflow/weights'
import type { EncoderSpec, Parameter } from '../src/spec.js'

/** What a reference implementation gave for one tap. */
export interface GoldenTap {
  readonly shape: readonly number[]
  readonly mean: number
  readonly meanAbs: number
  readonly rms: number
  /** Values by `channel,row,column`. */
  readonly at: Readonly<Record<string, number>>
}

interface GoldenModel {
  readonly firstKeys?: readonly (readonly [string, readonly number[]])[]
  readonly taps: Readonly<Record<string, unknown>>
}

export const golden = JSON.parse(
  readFileSync(new URL('../fixtures/encoders.json', import.meta.url), 'utf8'),
) as { readonly models: Readonly<Record<string, GoldenModel>> }

/** The linear congruential generator of the reference numbers: uniform in [0, 1). */
function lcg(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

const size = 64

/** The reference image, normalised for the encoder, [1, 3, 64, 64]. */
export function goldenImage(spec: EncoderSpec): Tensor<'float32'> {
  const random = lcg(12345)
  const data = new Float32Array(3 * size * size)
  for (let i = 0; i < size * size; i++)
    for (let c = 0; c < 3; c++) {
      const pixel = Math.floor(random() * 256) / 255
      data[c * size * size + i] = (pixel - (spec.mean[c] as number)) / (spec.std[c] as number)
    }
  return tensor('float32', [1, 3, size, size], data)
}

/** The reference weights: each tensor from its place in the state dict. */
export function goldenWeights(parameters: readonly Parameter[]): Weights {
  return new Map(
    parameters.map(({ key, shape }, k) => {
      const scale = scaleOf(key, shape)
      const random = lcg(k + 1)
      const data = new Float32Array(sizeOf(shape)).map(() => scale(random()))
      return [key, tensor('float32', shape, data)]
    }),
  )
}

function scaleOf(key: string, shape: readonly number[]): (u: number) => number {
  if (key.endsWith('running_var')) return (u) => 0.5 + u
  if (key.endsWith('running_mean')) return (u) => (u - 0.5) * 0.2
  if (shape.length >= 2) {
    const bound = Math.sqrt(3 / sizeOf(shape.slice(1)))
    return (u) => (u - 0.5) * 2 * bound
  }
  return key.endsWith('.weight') ? (u) => 0.5 + u : (u) => (u - 0.5) * 0.2
}

/** The encoder's maps of an image [N, 3, S, S], from ONNX Runtime. */
export async function runEncoder(
  spec: EncoderSpec,
  weights: Weights,
  image: Tensor<'float32'>,
): Promise<readonly Tensor<'float32'>[]> {
  const value = input('image', 'float32', ['n', ...image.shape.slice(1)])
  const taps = spec.build(value, weights)
  const graph = writeOnnx(Object.fromEntries(taps.map((tap, i) => [`tap${i}`, tap])))
  const session = await ort.InferenceSession.create(graph, { logSeverityLevel: 3 })
  const results = await session.run({ image: new ort.Tensor('float32', image.data, image.shape) })
  await session.release()
  return taps.map((_, i) => {
    const result = results[`tap${i}`] as ort.Tensor
    return tensor('float32', result.dims, result.data as Float32Array)
  })
}

/** Largest deviation of a map from the reference, relative to the map's root mean square. */
export function deviation(map: Tensor<'float32'>, reference: GoldenTap): number {
  const [channels, height, width] = reference.shape as [number, number, number]
  expect(map.shape).toEqual([1, channels, height, width])
  const n = map.data.length
  let [sum, absolute, squares] = [0, 0, 0]
  for (const x of map.data) {
    sum += x
    absolute += Math.abs(x)
    squares += x * x
  }
  const pairs = [
    [sum / n, reference.mean],
    [absolute / n, reference.meanAbs],
    [Math.sqrt(squares / n), reference.rms],
    ...Object.entries(reference.at).map(([place, value]) => {
      const [c, y, x] = place.split(',').map(Number) as [number, number, number]
      return [map.data[(c * height + y) * width + x] as number, value] as const
    }),
  ] as const
  return Math.max(...pairs.map(([found, wanted]) => Math.abs(found - wanted) / reference.rms))
}

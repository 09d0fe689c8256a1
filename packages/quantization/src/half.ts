import { tensor, type Tensor } from '@cflow/base'
import type { Manifest } from '@cflow/core'
import { cast, concat, constant, pad, topologicalOrder, type Node, type Value } from '@cflow/graph'
import { readFloatDetector, writeLike } from './file.js'
import { rebuilt, type Replaced } from './rewrite.js'

/** Constants with fewer elements stay in float32: they take no room. */
const smallest = 256

/**
 * A detector file with its weights stored as float16: half the size, computed in float32 at the same speed, scores equal
 * to about 1e-3. Calibration scores and thresholds are kept as they are.
 * @throws CflowError MODEL when it is no detector; USAGE when it is one of lower precision already
 */
export function exportHalf(bytes: Uint8Array): {
  readonly model: Uint8Array
  readonly manifest: Manifest
} {
  const detector = readFloatDetector(bytes)
  const manifest: Manifest = { ...detector.manifest, precision: 'float16' }
  return { model: writeLike(detector, storedAsHalf(detector.model.outputs), manifest), manifest }
}

/**
 * The same graph with its large float32 constants stored as float16, a Cast to float32 behind each. ONNX Runtime folds
 * the Cast when it loads the file, so it computes in float32 at the same speed on every engine. A constant with a value
 * beyond ±65504 stays in float32, and so do the scales of bytes.
 * @param except names of constants that stay in float32
 */
export function storedAsHalf(
  outputs: Readonly<Record<string, Value>>,
  except: ReadonlySet<string> = new Set(),
): Record<string, Value> {
  const order = topologicalOrder(Object.values(outputs))
  const scales = new Set(order.flatMap(scaleOfBytes))
  const by: Replaced = new Map()
  for (const node of order) {
    if (node.kind !== 'constant' || scales.has(node) || except.has(node.name ?? '')) continue
    const stored = half(node.tensor, node.name)
    if (stored) by.set(node, [stored])
  }
  return rebuilt(outputs, by)
}

/** The scale of a node that makes bytes or reads them: few numbers, often so small that float16 rounds them to 0. */
const scaleOfBytes = (node: Node): Node[] =>
  node.kind === 'operator' && /^(Deq|Q)uantizeLinear$/.test(node.operator.type)
    ? [(node.inputs[1] as Value).node]
    : []

/** A constant that gives the same numbers from float16; undefined for one that stays as it is. */
function half(t: Tensor, name: string | undefined): Value | undefined {
  if (t.dtype !== 'float32' || t.data.length < smallest) return undefined
  return triangular(t as Tensor<'float32'>, name) ?? stored(t as Tensor<'float32'>, name)
}

function stored({ shape, data }: Tensor<'float32'>, name: string | undefined): Value | undefined {
  const bits = toHalf(data)
  return bits && cast(constant(tensor('float16', shape, bits), name), 'float32')
}

/** A square matrix without its upper right quarter, where that holds only zeros (the whitening is triangular). */
function triangular(t: Tensor<'float32'>, name: string | undefined): Value | undefined {
  const [n = 0, columns] = t.shape
  const h = n >> 1
  if (t.shape.length !== 2 || n !== columns) return undefined
  const left = new Float32Array(h * h)
  for (let r = 0; r < h; r++) {
    if (t.data.subarray(r * n + h, (r + 1) * n).some((v) => v !== 0)) return undefined
    left.set(t.data.subarray(r * n, r * n + h), r * h)
  }
  const upper = stored(tensor('float32', [h, h], left), name && `${name}.upper`)
  const lower = stored(tensor('float32', [n - h, n], t.data.subarray(h * n)), name)
  return upper && lower && concat([pad(upper, [0, 0, 0, n - h]), lower], 0)
}

/** Largest finite float16. */
export const largestHalf = 65504

const float = new Float32Array(1)
const bits = new Uint32Array(float.buffer)

/** A float32 as the bits of the nearest float16 (IEEE 754 binary16), ties to even; too large is infinity. */
export function halfBits(x: number): number {
  float[0] = x
  const sign = (bits[0]! >>> 16) & 0x8000
  if (Number.isNaN(x)) return sign | 0x7e00
  const exponent = Math.max(((bits[0]! >>> 23) & 0xff) - 127, -14)
  const units = Math.abs(float[0]) / 2 ** (exponent - 10)
  const [low, rest] = [Math.floor(units), units % 1]
  const nearest = rest > 0.5 || (rest === 0.5 && low % 2 === 1) ? low + 1 : low
  // a carry runs into the exponent, as it should
  return sign | Math.min(((exponent + 14) << 10) + nearest, 0x7c00)
}

/** Numbers as float16 bits; undefined when one of them lies beyond ±65504 and would become infinite. */
export function toHalf(values: Float32Array): Uint16Array | undefined {
  if (values.some((v) => Math.abs(v) > largestHalf)) return undefined
  const out = new Uint16Array(values.length)
  values.forEach((v, i) => (out[i] = halfBits(v)))
  return out
}

import { tensor, type Tensor } from '@cflow/base'
import { cast, constant, mul, topologicalOrder, type Value } from '@cflow/graph'
import { halfBits } from './half.js'
import { rebuilt, type Replaced } from './rewrite.js'

/** Weights with fewer elements stay as they are: they take no room. */
const smallest = 256

/**
 * The same graph with its large weights of two and more axes rounded to int8, symmetric, one scale for each place of the first
 * axis (a convolution's output channel), and stored so: a quarter of float32. ONNX Runtime multiplies once, when it loads the
 * file, and computes in float32 with the rounded weights. It changes the function: do it before anything is learned from what
 * it gives, such as to an encoder before the training.
 */
export function storedAsBytes(outputs: Readonly<Record<string, Value>>): Record<string, Value> {
  const by: Replaced = new Map()
  for (const node of topologicalOrder(Object.values(outputs))) {
    if (node.kind !== 'constant' || node.tensor.dtype !== 'float32') continue
    const { shape, data } = node.tensor as Tensor<'float32'>
    if (data.length >= smallest && shape.length > 1) by.set(node, [rounded(node.tensor, node.name)])
  }
  return rebuilt(outputs, by)
}

function rounded({ shape, data }: Tensor, name: string | undefined): Value {
  const [rows = 0] = shape
  const size = data.length / rows
  const values = new Int8Array(data.length)
  const scales = new Float32Array(rows)
  for (let r = 0; r < rows; r++) {
    let most = 0
    for (let i = 0; i < size; i++) most = Math.max(most, Math.abs(Number(data[r * size + i])))
    // of float16's precision, so that storing the rest of a file in float16 changes nothing here
    const scale = throughHalf(most / 127) || 1
    scales[r] = scale
    for (let i = 0; i < size; i++) {
      const value = Math.round(Number(data[r * size + i]) / scale)
      values[r * size + i] = Math.max(-127, Math.min(127, value))
    }
  }
  const perRow = [rows, ...shape.slice(1).map(() => 1)]
  return mul(
    cast(constant(tensor('int8', shape, values), name), 'float32'),
    constant(tensor('float32', perRow, scales), name && `${name}.scale`),
  )
}

/** The float16 nearest to a number above 0. */
function throughHalf(x: number): number {
  const bits = halfBits(x)
  const exponent = bits >>> 10
  const mantissa = bits & 0x3ff
  return exponent === 0 ? mantissa * 2 ** -24 : (1024 + mantissa) * 2 ** (exponent - 25)
}

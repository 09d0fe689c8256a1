import { tensor } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import { cast, concat, constant, pad, topologicalOrder, withInputs } from '@cflow/graph'
import type { Node, Value } from '@cflow/graph'
import { toHalf } from './float16.js'

/** Constants with fewer elements stay in float32: they take no room. */
const smallest = 256

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
  const done = new Map<Node, readonly Value[]>()
  const mapped = (v: Value): Value => done.get(v.node)?.[v.index] ?? v
  const order = topologicalOrder(Object.values(outputs))
  const scales = scalesIn(order)
  for (const node of order) {
    if (node.kind === 'constant') {
      const exact = scales.has(node) || except.has(node.name ?? '')
      const stored = exact ? undefined : half(node.tensor, node.name)
      if (stored) done.set(node, [stored])
    } else if (node.kind === 'operator') {
      const inputs = node.inputs.map((v) => v && mapped(v))
      if (inputs.some((v, i) => v !== node.inputs[i])) done.set(node, withInputs(node, inputs))
    }
  }
  return Object.fromEntries(Object.entries(outputs).map(([name, v]) => [name, mapped(v)]))
}

/** Scales of bytes: few numbers, many of them so small that float16 would round them coarsely or to 0. */
const scalesIn = (order: readonly Node[]): ReadonlySet<Node | undefined> =>
  new Set(
    order.flatMap((node) =>
      node.kind === 'operator' && /^(Deq|Q)uantizeLinear$/.test(node.operator.type)
        ? [node.inputs[1]?.node]
        : [],
    ),
  )

/** A constant that gives the same numbers from float16; undefined for one that stays as it is. */
function half(tensor: Tensor, name: string | undefined): Value | undefined {
  if (tensor.dtype !== 'float32' || tensor.data.length < smallest) return undefined
  return triangular(tensor as Tensor<'float32'>, name) ?? stored(tensor as Tensor<'float32'>, name)
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
  for (let r = 0; r < h; r++)
    if (t.data.subarray(r * n + h, (r + 1) * n).some((v) => v !== 0)) return undefined
  const left = new Float32Array(h * h)
  for (let r = 0; r < h; r++) left.set(t.data.subarray(r * n, r * n + h), r * h)
  const upper = stored(tensor('float32', [h, h], left), name && `${name}.upper`)
  const lower = stored(tensor('float32', [n - h, n], t.data.subarray(h * n)), name)
  return upper && lower && concat([pad(upper, [0, 0, 0, n - h]), lower], 0)
}

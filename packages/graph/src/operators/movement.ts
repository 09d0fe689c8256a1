import { CflowError, zeros } from '@cflow/base'
import type { DType } from '@cflow/base'
import { dtypeNumbered, onnxType } from '../element-types.js'
import { apply, applyAll, attribute, intAttribute, intsAttribute } from '../operator.js'
import type { Operator } from '../operator.js'
import { addDims, axisOf, broadcast, sameDType } from '../shapes.js'
import { constant, int64s, integersOf, shapeText, staticShape } from '../value.js'
import type { Attributes, Dim, Shape, Value } from '../value.js'
import { sumTo } from './reduction.js'

const first = (inputs: readonly (Value | undefined)[]) => inputs[0] as Value

export const Identity: Operator = {
  type: 'Identity',
  infer: (inputs) => [{ dtype: first(inputs).dtype, shape: first(inputs).shape }],
  gradient: (_, [g]) => [g],
}

export const ShapeOf: Operator = {
  type: 'Shape',
  infer: (inputs) => [{ dtype: 'int64', shape: [first(inputs).shape.length] }],
}

export const Reshape: Operator = {
  type: 'Reshape',
  infer: (inputs) => {
    const x = first(inputs)
    const target = inputs[1] as Value
    if (target.node.kind !== 'constant') {
      const rank = target.shape[0]
      if (typeof rank !== 'number')
        throw new CflowError('SHAPE', 'the rank of a reshape must be known')
      return [{ dtype: x.dtype, shape: Array.from({ length: rank }, () => null) }]
    }
    return [{ dtype: x.dtype, shape: reshaped(x.shape, integersOf(target, 'shape')) }]
  },
  gradient: (node, [g]) => [g && reshapeLike(g, first(node.inputs))],
}

function reshaped(from: Shape, to: readonly number[]): Shape {
  const shape: Dim[] = to.map((d, i) => (d === 0 ? (from[i] ?? null) : d))
  const free = shape.indexOf(-1)
  const known = (s: Shape) => s.every((d) => typeof d === 'number')
  if (known(from)) {
    const total = (from as number[]).reduce((n, d) => n * d, 1)
    const rest = (shape as number[]).reduce((n, d) => (d === -1 ? n : n * d), 1)
    if (free >= 0 && known(shape)) shape[free] = total / rest
    if (known(shape) && (!Number.isInteger(shape[free] ?? 0) || (free < 0 && rest !== total)))
      throw new CflowError('SHAPE', `cannot reshape ${shapeText(from)} to [${to.join(', ')}]`)
  } else if (free >= 0) shape[free] = null
  return shape
}

export const Transpose: Operator = {
  type: 'Transpose',
  infer: (inputs, attributes) => {
    const x = first(inputs)
    return [{ dtype: x.dtype, shape: permutationOf(x, attributes).map((p) => x.shape[p] as Dim) }]
  },
  gradient: (node, [g]) => {
    const order = permutationOf(first(node.inputs), node.attributes)
    const inverse = order.map((_, i) => order.indexOf(i))
    return [g && transpose(g, inverse)]
  },
}

function permutationOf(x: Value, attributes: Attributes): readonly number[] {
  return intsAttribute(
    attributes,
    'perm',
    x.shape.map((_, i) => x.shape.length - 1 - i),
  )
}

export const Concat: Operator = {
  type: 'Concat',
  infer: (inputs, attributes) => {
    const x = first(inputs)
    const axis = axisOf(intAttribute(attributes, 'axis', 0), x.shape.length)
    const all = inputs as readonly Value[]
    for (const v of all)
      if (v.shape.length !== x.shape.length)
        throw new CflowError('SHAPE', `cannot join ${shapeText(x.shape)} and ${shapeText(v.shape)}`)
    return [
      {
        dtype: sameDType('Concat', inputs),
        shape: x.shape.map((d, i) => (i === axis ? addDims(all.map((v) => v.shape[i] as Dim)) : d)),
      },
    ]
  },
  gradient: (node, [g]) => {
    if (!g) return []
    const axis = axisOf(intAttribute(node.attributes, 'axis', 0), g.shape.length)
    const sizes = node.inputs.map((v) => (v as Value).shape[axis])
    if (sizes.some((d) => typeof d !== 'number'))
      throw new CflowError('SHAPE', 'the gradient of Concat needs known sizes')
    return split(g, sizes as number[], axis)
  },
}

export const Split: Operator = {
  type: 'Split',
  infer: (inputs, attributes) => {
    const x = first(inputs)
    const axis = axisOf(intAttribute(attributes, 'axis', 0), x.shape.length)
    const sizes = integersOf(inputs[1], 'the sizes of Split')
    const total = sizes.reduce((s, d) => s + d, 0)
    if (typeof x.shape[axis] === 'number' && x.shape[axis] !== total)
      throw new CflowError(
        'SHAPE',
        `cannot split axis ${axis} of ${shapeText(x.shape)} into ${sizes.join(' + ')}`,
      )
    return sizes.map((size) => ({
      dtype: x.dtype,
      shape: x.shape.map((d, i) => (i === axis ? size : d)),
    }))
  },
  gradient: (node, gradients) => {
    const axis = intAttribute(node.attributes, 'axis', 0)
    return [
      concat(
        gradients.map((g, i) => g ?? zerosLike(node.outputs[i] as Value)),
        axis,
      ),
    ]
  },
}

export const Slice: Operator = {
  type: 'Slice',
  infer: (inputs) => {
    const x = first(inputs)
    const shape = [...x.shape]
    if (inputs[1]?.node.kind !== 'constant' || inputs[2]?.node.kind !== 'constant') {
      for (const a of integersOf(inputs[3], 'the axes of Slice'))
        shape[axisOf(a, shape.length)] = null
      return [{ dtype: x.dtype, shape }]
    }
    for (const { axis, start, end } of slices(x, inputs)) {
      const d = shape[axis]
      if (typeof d !== 'number') shape[axis] = null
      else {
        const clamp = (v: number) => Math.min(Math.max(v < 0 ? v + d : v, 0), d)
        shape[axis] = Math.max(clamp(end) - clamp(start), 0)
      }
    }
    return [{ dtype: x.dtype, shape }]
  },
  gradient: (node, [g]) => {
    if (!g) return []
    const x = first(node.inputs)
    const before = x.shape.map(() => 0)
    const after = x.shape.map(() => 0)
    const shape = staticShape(x, 'the gradient of Slice')
    for (const { axis, start, end } of slices(x, node.inputs)) {
      const d = shape[axis] as number
      const clamp = (v: number) => Math.min(Math.max(v < 0 ? v + d : v, 0), d)
      before[axis] = clamp(start)
      after[axis] = d - clamp(end)
    }
    return [pad(g, [...before, ...after])]
  },
}

function slices(x: Value, inputs: readonly (Value | undefined)[]) {
  const starts = integersOf(inputs[1], 'the starts of Slice')
  const ends = integersOf(inputs[2], 'the ends of Slice')
  const axes = inputs[3] ? integersOf(inputs[3], 'the axes of Slice') : starts.map((_, i) => i)
  if (inputs[4] && integersOf(inputs[4], 'the steps of Slice').some((s) => s !== 1))
    throw new CflowError('SHAPE', 'only slices of step 1 are supported')
  return axes.map((a, i) => ({
    axis: axisOf(a, x.shape.length),
    start: starts[i] as number,
    end: ends[i] as number,
  }))
}

export const Pad: Operator = {
  type: 'Pad',
  infer: (inputs) => {
    const x = first(inputs)
    const pads = integersOf(inputs[1], 'the pads of Pad')
    const rank = x.shape.length
    return [
      {
        dtype: x.dtype,
        shape: x.shape.map((d, i) => addDims([d, pads[i] as number, pads[i + rank] as number])),
      },
    ]
  },
  gradient: (node, [g]) => {
    const mode = node.attributes['mode']
    if (mode?.kind === 'string' && mode.value !== 'constant')
      throw new CflowError('SHAPE', `Pad with mode ${mode.value} has no gradient here`)
    if (!g) return []
    const pads = integersOf(node.inputs[1], 'pads')
    const rank = g.shape.length
    const size = staticShape(g, 'the gradient of Pad')
    const axes = size.map((_, i) => i)
    return [
      slice(
        g,
        axes,
        pads.slice(0, rank),
        size.map((d, i) => d - (pads[i + rank] as number)),
      ),
    ]
  },
}

export const Expand: Operator = {
  type: 'Expand',
  infer: (inputs) => {
    const x = first(inputs)
    const target = inputs[1] as Value
    const shape: Shape =
      target.node.kind === 'constant'
        ? integersOf(target, 'shape')
        : Array.from({ length: target.shape[0] as number }, () => null)
    return [{ dtype: x.dtype, shape: broadcast(x.shape, shape) }]
  },
  gradient: (node, [g]) => [g && sumTo(g, first(node.inputs))],
}

export const Cast: Operator = {
  type: 'Cast',
  infer: (inputs, attributes) => {
    const to = intAttribute(attributes, 'to', 1)
    const dtype = dtypeNumbered(to)
    if (!dtype) throw new CflowError('SHAPE', `cannot cast to ONNX type ${to}`)
    return [{ dtype, shape: first(inputs).shape }]
  },
  gradient: (node, [g]) => [g && cast(g, first(node.inputs).dtype)],
}

export const reshape = (x: Value, shape: readonly number[]): Value =>
  apply(Reshape, [x, int64s(shape)])

/** Reshape to a shape that may hold one unknown axis; with more, `dynamic` gives it at run time. */
export function reshapeTo(x: Value, shape: Shape, dynamic?: () => Value): Value {
  const unknown = shape.filter((d) => typeof d !== 'number').length
  if (unknown <= 1) {
    const y = reshape(
      x,
      shape.map((d) => (typeof d === 'number' ? d : -1)),
    )
    return assumeShape(y, shape)
  }
  if (!dynamic)
    throw new CflowError(
      'SHAPE',
      `cannot reshape to ${shapeText(shape)}: more than one unknown axis`,
    )
  return assumeShape(apply(Reshape, [x, dynamic()]), shape)
}

export function reshapeLike(x: Value, like: Value): Value {
  return reshapeTo(x, like.shape, () => shapeOf(like))
}

/** The same value with a more precise shape than the shape rules could find (the runtime does not check it). */
export function assumeShape(x: Value, shape: Shape): Value {
  if (x.node.kind !== 'operator') return x
  const outputs: Value[] = []
  const node = { ...x.node, outputs }
  x.node.outputs.forEach((o, i) =>
    outputs.push({ ...o, node, shape: i === x.index ? shape : o.shape }),
  )
  return outputs[x.index] as Value
}

export const transpose = (x: Value, perm: readonly number[]): Value =>
  perm.every((p, i) => p === i) ? x : apply(Transpose, [x], { perm: attribute.ints(perm) })

export const concat = (values: readonly Value[], axis: number): Value =>
  values.length === 1 ? (values[0] as Value) : apply(Concat, values, { axis: attribute.int(axis) })

/** Parts along an axis; those of a concatenation that is cut where it was joined are what was joined. */
export function split(x: Value, sizes: readonly number[], axis: number): readonly Value[] {
  if (sizes.length === 1) return [x]
  const { node } = x
  if (node.kind === 'operator' && node.operator === Concat) {
    const joined = node.inputs as readonly Value[]
    const isCut =
      joined.length === sizes.length && joined.every((v, i) => v.shape[axis] === sizes[i])
    if (isCut && intAttribute(node.attributes, 'axis', 0) === axis) return joined
  }
  return applyAll(Split, [x, int64s(sizes)], { axis: attribute.int(axis) })
}

export const slice = (
  x: Value,
  axes: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
): Value => apply(Slice, [x, int64s(starts), int64s(ends), int64s(axes)])

/** Part of one axis between places known only at run time. @param start first @param end last + 1, int64 [1] */
export const sliceBetween = (x: Value, axis: number, start: Value, end: Value): Value =>
  apply(Slice, [x, start, end, int64s([axis])])

/** Pad with zeros or by reflection; `pads` are [begin of every axis…, end of every axis…]. */
export function pad(
  x: Value,
  pads: readonly number[],
  mode: 'constant' | 'reflect' = 'constant',
): Value {
  if (pads.every((p) => p === 0)) return x
  return apply(Pad, [x, int64s(pads)], { mode: attribute.string(mode) })
}

export const expand = (x: Value, shape: readonly number[]): Value =>
  apply(Expand, [x, int64s(shape)])

export function expandLike(x: Value, like: Value): Value {
  if (like.shape.every((d) => typeof d === 'number')) return expand(x, like.shape)
  return assumeShape(apply(Expand, [x, shapeOf(like)]), like.shape)
}

export function cast(x: Value, dtype: DType): Value {
  return x.dtype === dtype ? x : apply(Cast, [x], { to: attribute.int(onnxType[dtype]) })
}

export const shapeOf = (x: Value): Value => apply(ShapeOf, [x])

export const identity = (x: Value): Value => apply(Identity, [x])

export const zerosLike = (x: Value): Value =>
  constant(zeros(x.dtype, staticShape(x, 'a zero gradient')))

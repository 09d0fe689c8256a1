import { zeros, type DType } from '@cflow/base'
import { dtypeNumbered, onnxType } from '../element-types.js'
import {
  apply,
  applyAll,
  attribute,
  infers,
  intAttribute,
  intsAttribute,
  outputsOf,
  stringAttribute,
  type One,
} from '../operator.js'
import { addDims, axisOf, broadcast, sameDType } from '../shapes.js'
import {
  constant,
  int64s,
  integersOf,
  shapeError,
  shapeText,
  staticShape,
  type Attributes,
  type Dim,
  type Inputs,
  type Operator,
  type Shape,
  type Value,
} from '../value.js'

const first = (inputs: Inputs) => inputs[0] as Value

/** The axis that an operator works along. */
export const axisIn = (x: Value, attributes: Attributes, otherwise = 0): number =>
  axisOf(intAttribute(attributes, 'axis', otherwise), x.shape.length)

export const Identity: Operator = {
  type: 'Identity',
  infer: infers((x) => x.shape),
  gradient: (_, [g]: One) => [g],
}

export const ShapeOf: Operator = {
  type: 'Shape',
  infer: ([x]) => [{ dtype: 'int64', shape: [(x as Value).shape.length] }],
}

/** The shape that an input asks for: its numbers, or as many unknown axes as it has elements. */
function askedShape(target: Value): Shape {
  if (target.node.kind === 'constant') return integersOf(target, 'shape')
  const [rank] = target.shape
  if (typeof rank !== 'number') throw shapeError('the rank of what has another shape must be known')
  return Array.from({ length: rank }, () => null)
}

export const Reshape: Operator = {
  type: 'Reshape',
  infer: infers((x, inputs) => reshaped(x.shape, askedShape(inputs[1] as Value))),
  gradient: ({ inputs: [x] }, [g]: One) => [
    reshapeTo(g, (x as Value).shape, () => shapeOf(x as Value)),
  ],
}

function reshaped(from: Shape, to: Shape): Shape {
  const shape: Dim[] = to.map((d, i) => (d === 0 ? (from[i] ?? null) : d))
  const free = shape.indexOf(-1)
  const known = (s: Shape) => s.every((d) => typeof d === 'number')
  if (known(from)) {
    const total = (from as number[]).reduce((n, d) => n * d, 1)
    const rest = (shape as number[]).reduce((n, d) => (d === -1 ? n : n * d), 1)
    if (free >= 0 && known(shape)) shape[free] = total / rest
    if (known(shape) && (!Number.isInteger(shape[free] ?? 0) || (free < 0 && rest !== total)))
      throw shapeError(`cannot reshape ${shapeText(from)} to [${to.join(', ')}]`)
  } else if (free >= 0) shape[free] = null
  return shape
}

export const Transpose: Operator = {
  type: 'Transpose',
  infer: infers((x, _, attributes) => orderOf(x, attributes).map((p) => x.shape[p] as Dim)),
  gradient: ({ inputs, attributes }, [g]: One) => [
    transpose(g, inverse(orderOf(first(inputs), attributes))),
  ],
}

/** The axes in their new order; reversed when the attribute is absent. */
function orderOf({ shape }: Value, attributes: Attributes): readonly number[] {
  return intsAttribute(attributes, 'perm', [...shape.keys()].reverse())
}

/** The permutation that undoes another. */
export function inverse(order: readonly number[]): number[] {
  const back = [...order]
  order.forEach((from, to) => (back[from] = to))
  return back
}

export const Concat: Operator = {
  type: 'Concat',
  infer: infers((x, inputs, attributes) => {
    const axis = axisIn(x, attributes)
    const all = inputs as readonly Value[]
    for (const v of all)
      if (v.shape.length !== x.shape.length)
        throw shapeError(`cannot join ${shapeText(x.shape)} and ${shapeText(v.shape)}`)
    sameDType('Concat', inputs)
    return x.shape.map((d, i) => (i === axis ? addDims(all.map((v) => v.shape[i] as Dim)) : d))
  }),
  gradient: ({ inputs, attributes }, [g]: One) => {
    const axis = axisIn(g, attributes)
    const sizes = inputs.map((v) => (v as Value).shape[axis])
    if (sizes.some((d) => typeof d !== 'number'))
      throw shapeError('the gradient of Concat needs known sizes')
    return split(g, sizes as number[], axis)
  },
}

export const Split: Operator = {
  type: 'Split',
  infer: (inputs, attributes) => {
    const { dtype, shape } = first(inputs)
    const axis = axisIn(first(inputs), attributes)
    const sizes = integersOf(inputs[1], 'the sizes of Split')
    const total = sizes.reduce((s, d) => s + d, 0)
    if (typeof shape[axis] === 'number' && shape[axis] !== total)
      throw shapeError(`cannot split axis ${axis} of ${shapeText(shape)} into ${sizes.join(' + ')}`)
    return sizes.map((size) => ({ dtype, shape: shape.with(axis, size) }))
  },
  gradient: ({ outputs, attributes }, gradients) => [
    concat(
      outputs.map((y, i) => gradients[i] ?? zerosLike(y)),
      intAttribute(attributes, 'axis', 0),
    ),
  ],
}

export const Slice: Operator = {
  type: 'Slice',
  infer: infers((x, inputs) => {
    const shape = [...x.shape]
    if (inputs[1]?.node.kind !== 'constant' || inputs[2]?.node.kind !== 'constant') {
      for (const a of integersOf(inputs[3], 'the axes of Slice'))
        shape[axisOf(a, shape.length)] = null
      return shape
    }
    for (const { axis, start, end } of slices(x.shape, inputs))
      shape[axis] = typeof shape[axis] === 'number' ? Math.max(end - start, 0) : null
    return shape
  }),
  gradient: ({ inputs }, [g]: One) => {
    const shape = staticShape(first(inputs), 'the gradient of Slice')
    const before = shape.map(() => 0)
    const after = shape.map(() => 0)
    for (const { axis, start, end } of slices(shape, inputs)) {
      before[axis] = start
      after[axis] = (shape[axis] as number) - end
    }
    return [pad(g, [...before, ...after])]
  },
}

/** Where slices begin and end, within axes of known size. */
function slices(shape: Shape, inputs: Inputs) {
  const starts = integersOf(inputs[1], 'the starts of Slice')
  const ends = integersOf(inputs[2], 'the ends of Slice')
  const axes = inputs[3] ? integersOf(inputs[3], 'the axes of Slice') : [...starts.keys()]
  if (inputs[4] && integersOf(inputs[4], 'the steps of Slice').some((s) => s !== 1))
    throw shapeError('only slices of step 1 are supported')
  return axes.map((a, i) => {
    const axis = axisOf(a, shape.length)
    const d = shape[axis]
    const size = typeof d === 'number' ? d : 0
    const clamp = (v: number) => Math.min(Math.max(v < 0 ? v + size : v, 0), size)
    return { axis, start: clamp(starts[i] as number), end: clamp(ends[i] as number) }
  })
}

export const Pad: Operator = {
  type: 'Pad',
  infer: infers((x, inputs) => {
    const pads = integersOf(inputs[1], 'the pads of Pad')
    const rank = x.shape.length
    return x.shape.map((d, i) => addDims([d, pads[i] as number, pads[i + rank] as number]))
  }),
  gradient: ({ inputs, attributes }, [g]: One) => {
    const mode = stringAttribute(attributes, 'mode', 'constant')
    if (mode !== 'constant') throw shapeError(`Pad with mode ${mode} has no gradient here`)
    const pads = integersOf(inputs[1], 'pads')
    const size = staticShape(g, 'the gradient of Pad')
    const ends = size.map((d, i) => d - (pads[i + size.length] as number))
    return [slice(g, [...size.keys()], pads.slice(0, size.length), ends)]
  },
}

export const Expand: Operator = {
  type: 'Expand',
  broadcasts: true,
  infer: infers((x, inputs) => broadcast(x.shape, askedShape(inputs[1] as Value))),
  gradient: (_, [g]: One) => [g],
}

export const Cast: Operator = {
  type: 'Cast',
  infer: (inputs, attributes) => {
    const to = intAttribute(attributes, 'to', 1)
    const dtype = dtypeNumbered(to)
    if (!dtype) throw shapeError(`cannot cast to ONNX type ${to}`)
    return [{ dtype, shape: first(inputs).shape }]
  },
  gradient: ({ inputs }, [g]: One) => [cast(g, first(inputs).dtype)],
}

export const reshape = (x: Value, shape: readonly number[]): Value =>
  apply(Reshape, [x, int64s(shape)])

/** Reshape to a shape that may hold one unknown axis; with more, `dynamic` gives it at run time. */
export function reshapeTo(x: Value, shape: Shape, dynamic?: () => Value): Value {
  const numbers = shape.map((d) => (typeof d === 'number' ? d : -1))
  if (numbers.filter((d) => d === -1).length <= 1) return assumeShape(reshape(x, numbers), shape)
  if (!dynamic)
    throw shapeError(`cannot reshape to ${shapeText(shape)}: more than one unknown axis`)
  return assumeShape(apply(Reshape, [x, dynamic()]), shape)
}

/** The same value with a more precise shape than the shape rules could find (the runtime does not check it). */
export function assumeShape(x: Value, shape: Shape): Value {
  const { node, index } = x
  if (node.kind !== 'operator') return x
  const types = node.outputs.with(index, { ...x, shape })
  return outputsOf(node, types)[index] as Value
}

export const transpose = (x: Value, perm: readonly number[]): Value =>
  perm.every((p, i) => p === i) ? x : apply(Transpose, [x], { perm: attribute.ints(perm) })

export const concat = (values: readonly Value[], axis: number): Value =>
  values.length === 1 ? (values[0] as Value) : apply(Concat, values, { axis: attribute.int(axis) })

/**
 * Most parts of one Split: on WebGPU its input and each of its parts take a buffer of the shader, of which every GPU has eight
 * (an NVIDIA H100 sixteen).
 */
const mostParts = 7

/** Parts of one axis, one after the other; what `concat` joined of such parts is given back as it was. */
export function split(x: Value, sizes: readonly number[], axis: number): readonly Value[] {
  if (sizes.length === 1) return [x]
  const parts = joinedParts(x, sizes, axis)
  if (parts) return parts
  if (sizes.length <= mostParts)
    return applyAll(Split, [x, int64s(sizes)], { axis: attribute.int(axis) })
  // groups of parts, as even as can be, and their parts
  const count = Math.min(mostParts, Math.ceil(sizes.length / mostParts))
  const groups = Array.from({ length: count }, (_, i) =>
    sizes.slice(
      Math.floor((i * sizes.length) / count),
      Math.floor(((i + 1) * sizes.length) / count),
    ),
  )
  const totals = groups.map((group) => group.reduce((sum, size) => sum + size, 0))
  return split(x, totals, axis).flatMap((part, i) => split(part, groups[i]!, axis))
}

function joinedParts(
  { node, shape }: Value,
  sizes: readonly number[],
  axis: number,
): readonly Value[] | undefined {
  if (node.kind !== 'operator' || node.operator !== Concat) return undefined
  const parts = node.inputs as readonly Value[]
  const joined = axisOf(intAttribute(node.attributes, 'axis', 0), shape.length)
  const same = joined === axisOf(axis, shape.length) && parts.length === sizes.length
  return same && parts.every((v, i) => v.shape[joined] === sizes[i]) ? parts : undefined
}

export const slice = (
  x: Value,
  axes: readonly number[],
  starts: readonly number[],
  ends: readonly number[],
): Value => apply(Slice, [x, int64s(starts), int64s(ends), int64s(axes)])

/** Part of one axis between indices known only at run time. @param start first @param end last + 1, int64 [1] */
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

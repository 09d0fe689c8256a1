import { copyOf, hold, isInteger, made, madeChannelsLast, type Held, type Tensor } from '../held.js'
import {
  axisOf,
  broadcast,
  inputAt,
  kernel,
  placeInChannelsLast,
  unfit,
  type Call,
  type Kernels,
} from '../kernel.js'
import { numberAttribute, numbersAttribute, textAttribute } from '../attributes.js'

/** The numbers of an input that says how: axes, sizes. */
export const listOf = async (x: Held): Promise<readonly number[]> => Array.from(await x.numbers())

const product = (sizes: readonly number[]) => sizes.reduce((n, d) => n * d, 1)

const shapeOf = kernel((call) => {
  const { shape } = inputAt(call, 0)
  const { attributes } = call
  const numbers = shape.slice(
    numberAttribute(attributes, 'start', 0),
    numberAttribute(attributes, 'end', shape.length),
  )
  return [hold(call, 'int64', [numbers.length], { numbers })]
})

const reshape = kernel(async (call) => {
  const x = inputAt(call, 0)
  const asked = await listOf(inputAt(call, 1))
  const keepsZeros = numberAttribute(call.attributes, 'allowzero', 0) === 1
  const shape = asked.map((d, i) => (d === 0 && !keepsZeros ? (x.shape[i] ?? 0) : d))
  const free = shape.indexOf(-1)
  const size = product(x.shape)
  if (free >= 0) shape[free] = size / -product(shape)
  if (product(shape) !== size || shape.some((d) => !Number.isInteger(d)))
    throw unfit(`[${x.shape.join(', ')}] cannot have the shape [${asked.join(', ')}]`)
  return [copyOf(call, x, shape)]
})

const transpose = kernel((call) => {
  const x = inputAt(call, 0)
  const perm = numbersAttribute(call.attributes, 'perm') ?? [...x.shape.keys()].reverse()
  if (x.isChannelsLast) {
    const places = perm.map((axis) => placeInChannelsLast[axis as 0])
    return [made(call, x.dtype, () => call.tf.transpose(x.channelsLast(), places))]
  }
  return [made(call, x.dtype, () => call.tf.transpose(x.plain(), perm as number[]))]
})

/** Along axes as they stand: with the channels last where the value is there so only. */
const moved = (
  call: Call,
  x: Held,
  rule: (x: Tensor, place: (axis: number) => number) => Tensor,
): Held =>
  x.isChannelsLast
    ? madeChannelsLast(call, x.dtype, () => rule(x.channelsLast(), (a) => placeInChannelsLast[a as 0])) // prettier-ignore
    : made(call, x.dtype, () => rule(x.plain(), (a) => a))

/** One entry an axis, in the order in which the axes stand. */
function arranged<T>(entries: readonly T[], place: (axis: number) => number): T[] {
  const result = [...entries]
  entries.forEach((entry, axis) => (result[place(axis)] = entry))
  return result
}

const concat = kernel((call) => {
  const parts = call.inputs.map((_, i) => inputAt(call, i))
  const first = parts[0]!
  const axis = axisOf(numberAttribute(call.attributes, 'axis', 0), first.shape.length)
  for (const { shape } of parts)
    if (
      shape.length !== first.shape.length ||
      shape.some((d, i) => i !== axis && d !== first.shape[i])
    )
      // prettier-ignore
      throw unfit(`[${shape.join(', ')}] and [${first.shape.join(', ')}] cannot be joined`)
  if (first.shape.length === 1 && parts.every((p) => p.known)) {
    const numbers = parts.flatMap((p) => Array.from(p.known!))
    return [hold(call, first.dtype, [numbers.length], { numbers })]
  }
  if (first.shape.length === 4 && parts.some((p) => p.isChannelsLast)) {
    const place = placeInChannelsLast[axis as 0]
    const make = () => call.tf.concat(parts.map((p) => p.channelsLast()), place) // prettier-ignore
    return [madeChannelsLast(call, first.dtype, make)]
  }
  return [made(call, first.dtype, () => call.tf.concat(parts.map((p) => p.plain()), axis))] // prettier-ignore
})

/** Part of a value. */
const part = (call: Call, x: Held, begin: readonly number[], size: readonly number[]): Held => {
  if (x.known && x.shape.length === 1) {
    const numbers = Array.from(x.known).slice(begin[0]!, begin[0]! + size[0]!)
    return hold(call, x.dtype, size, { numbers })
  }
  return moved(call, x, (t, place) => call.tf.slice(t, arranged(begin, place), arranged(size, place))) // prettier-ignore
}

const split = kernel(async (call) => {
  const x = inputAt(call, 0)
  const axis = axisOf(numberAttribute(call.attributes, 'axis', 0), x.shape.length)
  const total = x.shape[axis]!
  const each = Math.ceil(total / call.outputs)
  const given = call.inputs[1]
  const sizes = given
    ? await listOf(given)
    : Array.from({ length: call.outputs }, (_, i) => Math.min(each, total - i * each))
  if (sizes.reduce((s, d) => s + d, 0) !== total)
    throw unfit(`axis ${axis} of [${x.shape.join(', ')}] cannot be split into ${sizes.join(' + ')}`)
  let from = 0
  return sizes.map((size) => {
    const begin = x.shape.map((_, i) => (i === axis ? from : 0))
    from += size
    return part(call, x, begin, x.shape.with(axis, size))
  })
})

const slice = kernel(async (call) => {
  const x = inputAt(call, 0)
  const [starts, ends] = [await listOf(inputAt(call, 1)), await listOf(inputAt(call, 2))]
  const axes = call.inputs[3] ? await listOf(call.inputs[3]) : [...starts.keys()]
  const steps = call.inputs[4] ? await listOf(call.inputs[4]) : axes.map(() => 1)
  const begin = x.shape.map(() => 0)
  const size = [...x.shape]
  const picked: (readonly [axis: number, indices: number[]])[] = []
  axes.forEach((a, i) => {
    const axis = axisOf(a, x.shape.length)
    const [d, step] = [x.shape[axis]!, steps[i]!]
    const within = (v: number, low: number, high: number) =>
      Math.min(Math.max(v < 0 ? v + d : v, low), high)
    const [start, end] =
      step > 0
        ? [within(starts[i]!, 0, d), within(ends[i]!, 0, d)]
        : [within(starts[i]!, 0, d - 1), within(ends[i]!, -1, d - 1)]
    const count = Math.max(0, Math.ceil((end - start) / step))
    if (step === 1) {
      begin[axis] = count === 0 ? 0 : start
      size[axis] = count
    } else picked.push([axis, Array.from({ length: count }, (_, n) => start + n * step)])
  })
  let result = part(call, x, begin, size)
  for (const [axis, indices] of picked) {
    const before = result
    const make = () => call.tf.gather(before.plain(), call.tf.tensor1d(indices, 'int32'), axis)
    result = made(call, x.dtype, make)
    before.free()
  }
  return [result]
})

const pad = kernel(
  async (call) => {
    const x = inputAt(call, 0)
    const { tf } = call
    const rank = x.shape.length
    const pads = await listOf(inputAt(call, 1))
    const [value = 0] = call.inputs[2] ? await listOf(call.inputs[2]) : []
    const named = call.inputs[3] ? await listOf(call.inputs[3]) : [...x.shape.keys()]
    const around = x.shape.map((): [number, number] => [0, 0])
    named.forEach((a, i) => (around[axisOf(a, rank)] = [pads[i]!, pads[i + named.length]!]))
    if (around.flat().some((n) => n < 0)) throw unfit('TensorFlow.js pads by no negative number')
    const mode = textAttribute(call.attributes, 'mode', 'constant')
    return [
      moved(call, x, (t, place) =>
        mode === 'reflect'
          ? tf.mirrorPad(t, arranged(around, place), 'reflect')
          : tf.pad(t, arranged(around, place), value),
      ),
    ]
  },
  ({ attributes }) => {
    const mode = textAttribute(attributes, 'mode', 'constant')
    return /^(constant|reflect)$/.test(mode) ? undefined : `with mode ${mode}`
  },
)

const expand = kernel(async (call) => {
  const x = inputAt(call, 0)
  const shape = broadcast(x.shape, await listOf(inputAt(call, 1)))
  return [made(call, x.dtype, () => call.tf.broadcastTo(x.plain(), shape))]
})

const gather = kernel((call) => {
  const { tf } = call
  const [x, index] = [inputAt(call, 0), inputAt(call, 1)]
  const axis = axisOf(numberAttribute(call.attributes, 'axis', 0), x.shape.length)
  const size = x.shape[axis]!
  const { known } = index
  const shape = [...x.shape.slice(0, axis), ...index.shape, ...x.shape.slice(axis + 1)]
  const places = known && Int32Array.from(known, (i) => (i < 0 ? i + size : i))
  const outside = places?.findIndex((i) => i < 0 || i >= size) ?? -1
  if (outside >= 0) throw unfit(`there is no index ${known![outside]} in an axis of ${size}`)
  if (places && x.known && x.shape.length === 1) {
    const numbers = Float64Array.from(places, (i) => x.known![i]!)
    return [hold(call, x.dtype, shape, { numbers })]
  }
  return [
    made(call, x.dtype, () => {
      const flat = places
        ? tf.tensor1d(places, 'int32')
        : fromStart(tf.reshape(index.plain(), [-1]) as Tensor, size)
      return tf.reshape(tf.gather(x.plain(), flat as ReturnType<typeof tf.tensor1d>, axis), shape)
    }),
  ]
  /** Negative indices count from the end. */
  function fromStart(i: Tensor, length: number): Tensor {
    const zero = tf.scalar(0, 'int32')
    return tf.where(tf.less(i, zero), tf.add(i, tf.scalar(length, 'int32')), i)
  }
})

const range = kernel(async (call) => {
  const [start = 0, limit = 0, delta = 1] = await Promise.all(
    [0, 1, 2].map(async (i) => (await listOf(inputAt(call, i)))[0]!),
  )
  const { dtype } = inputAt(call, 0)
  const count = Math.max(0, Math.ceil((limit - start) / delta))
  const place = (_: unknown, i: number) => start + i * delta
  const numbers = isInteger(dtype)
    ? Float64Array.from({ length: count }, place)
    : Float32Array.from({ length: count }, place)
  return [hold(call, dtype, [count], { numbers })]
})

export const movement: Kernels = {
  Identity: kernel((call) => [copyOf(call, inputAt(call, 0))]),
  Shape: shapeOf,
  Reshape: reshape,
  Transpose: transpose,
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Expand: expand,
  Gather: gather,
  Range: range,
}

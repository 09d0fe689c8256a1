import { copyOf, made, madeChannelsLast, type Tensor, type Tf } from '../held.js'
import { axisOf, inputAt, kernel, placeInChannelsLast, type Kernel, type Kernels } from '../kernel.js' // prettier-ignore
import { numberAttribute } from '../attributes.js'
import { listOf } from './movement.js'

const reduction = (rule: (tf: Tf, x: Tensor, axes: number[], keep: boolean) => Tensor): Kernel =>
  kernel(async (call) => {
    const x = inputAt(call, 0)
    const { attributes, tf } = call
    const rank = x.shape.length
    const given = call.inputs[1] ? await listOf(call.inputs[1]) : []
    if (given.length === 0 && numberAttribute(attributes, 'noop_with_empty_axes', 0) === 1)
      return [copyOf(call, x)]
    const axes = given.length > 0 ? given.map((a) => axisOf(a, rank)) : [...x.shape.keys()]
    const keep = numberAttribute(attributes, 'keepdims', 1) === 1
    const places = axes.map((a) => placeInChannelsLast[a as 0])
    const isChannelsLast = x.isChannelsLast
    if (isChannelsLast && keep)
      return [madeChannelsLast(call, x.dtype, () => rule(tf, x.channelsLast(), places, true))]
    // without the rows and columns the channels are where they were
    if (isChannelsLast && axes.includes(2) && axes.includes(3))
      return [made(call, x.dtype, () => rule(tf, x.channelsLast(), places, false))]
    return [made(call, x.dtype, () => rule(tf, x.plain(), axes, keep))]
  })

const topK = kernel(async (call) => {
  const { tf, attributes } = call
  const x = inputAt(call, 0)
  const rank = x.shape.length
  const axis = axisOf(numberAttribute(attributes, 'axis', -1), rank)
  const [k = 1] = await listOf(inputAt(call, 1))
  const largest = numberAttribute(attributes, 'largest', 1) === 1
  // that axis last: swapping twice changes nothing
  const swapped = [...x.shape.keys()].with(axis, rank - 1).with(rank - 1, axis)
  const moved = (t: Tensor) => (axis === rank - 1 ? t : tf.transpose(t, swapped))
  const both = tf.tidy(() => {
    const t = moved(x.plain())
    const { values, indices } = tf.topk(largest ? t : tf.neg(t), k, true)
    return [moved(largest ? values : tf.neg(values)), moved(indices)]
  })
  return both.map((t, i) => made(call, i === 0 ? x.dtype : 'int64', () => t))
})

export const reductions: Kernels = {
  ReduceSum: reduction((tf, x, axes, keep) => tf.sum(x, axes, keep)),
  ReduceMean: reduction((tf, x, axes, keep) => tf.mean(x, axes, keep)),
  ReduceMax: reduction((tf, x, axes, keep) => tf.max(x, axes, keep)),
  ReduceMin: reduction((tf, x, axes, keep) => tf.min(x, axes, keep)),
  ReduceSumSquare: reduction((tf, x, axes, keep) => tf.sum(tf.square(x), axes, keep)),
  TopK: topK,
}

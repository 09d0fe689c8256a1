import type { OperatorNode } from '@cflow/graph'
import { made, madeChannelsLast, type Held, type Tensor } from '../held.js'
import { inputAt, kernel, unfit, type Call, type Kernel, type Kernels } from '../kernel.js'
import { numberAttribute, numbersAttribute, textAttribute } from '../attributes.js'
import { interpolation, resizeModes } from './interpolation.js'
import { listOf } from './movement.js'

type Pair = [number, number]

/** How a window slides over an image: what is added around it, and how far it goes at a time. */
interface Sliding {
  readonly strides: Pair
  readonly dilations: Pair
  /** Rows and columns before and after. */
  readonly pads: readonly [Pair, Pair]
}

function slidingOver({ shape }: Held, kernelShape: Pair, { attributes }: Call): Sliding {
  const pair = (name: string): Pair => {
    const [a, b] = numbersAttribute(attributes, name) ?? []
    return [a ?? 1, b ?? 1]
  }
  const [strides, dilations] = [pair('strides'), pair('dilations')]
  const auto = textAttribute(attributes, 'auto_pad', 'NOTSET')
  const given = auto === 'VALID' ? undefined : numbersAttribute(attributes, 'pads')
  const ceil = numberAttribute(attributes, 'ceil_mode', 0) === 1
  const pads = [0, 1].map((i): Pair => {
    const [size, stride, reach] = [shape[2 + i]!, strides[i]!, dilations[i]! * (kernelShape[i]! - 1) + 1] // prettier-ignore
    if (auto.startsWith('SAME')) {
      const all = Math.max((Math.ceil(size / stride) - 1) * stride + reach - size, 0)
      const [less, more] = [Math.floor(all / 2), Math.ceil(all / 2)]
      return auto === 'SAME_LOWER' ? [more, less] : [less, more]
    }
    const [before, after] = [given?.[i] ?? 0, given?.[i + 2] ?? 0]
    const rest = (size + before + after - reach) % stride
    // a last window that lies in the padding does not count
    const another = ceil && rest > 0 && Math.ceil((size + before + after - reach) / stride) * stride < size + before // prettier-ignore
    return [before, another ? after + stride - rest : after]
  })
  return { strides, dilations, pads: pads as [Pair, Pair] }
}

const isNone = (pads: Sliding['pads']) => pads.flat().every((n) => n === 0)

/** An image [N, H, W, C] with what is added around it. */
const padded = ({ tf }: Call, x: Tensor, pads: Sliding['pads'], value = 0): Tensor =>
  isNone(pads) ? x : tf.pad(x, [[0, 0], pads[0], pads[1], [0, 0]], value)

function conv(call: Call): readonly Held[] {
  const { tf, backend } = call
  const [x, w, bias] = [inputAt(call, 0), inputAt(call, 1), call.inputs[2]]
  if (x.shape.length !== 4 || w.shape.length !== 4)
    throw unfit('TensorFlow.js computes convolutions of images [N, C, H, W] only, here')
  const [outputs, each, kh, kw] = w.shape as [number, number, number, number]
  const group = numberAttribute(call.attributes, 'group', 1)
  const channels = x.shape[1]!
  if (each * group !== channels)
    throw unfit(`weights [${w.shape.join(', ')}] in ${group} group(s) do not fit [${x.shape.join(', ')}]`) // prettier-ignore
  const { strides, dilations, pads } = slidingOver(x, [kh, kw], call)
  // TensorFlow itself knows no padding by numbers
  const explicit = backend !== 'tensorflow' && !isNone(pads)
  const padding: 'valid' | [Pair, Pair, Pair, Pair] = explicit ? [[0, 0], pads[0], pads[1], [0, 0]] : 'valid' // prettier-ignore
  const image = () => (explicit ? x.channelsLast() : padded(call, x.channelsLast(), pads))
  type Four = Parameters<typeof tf.conv2d>[1]
  const withBias = (y: Tensor) => (bias ? tf.add(y, bias.plain()) : y)
  if (group > 1 && group === channels && strides[0] === strides[1]) {
    const filter = w.form('depthwise', () =>
      tf.transpose(tf.reshape(w.plain(), [channels, outputs / group, kh, kw]), [2, 3, 0, 1]),
    )
    return [
      madeChannelsLast(
        call,
        x.dtype,
        () =>
        withBias(tf.depthwiseConv2d(image() as Four, filter as Four, strides, padding as 'valid', 'NHWC', dilations)), // prettier-ignore
      ),
    ]
  }
  const filter = w.form('filter', () => tf.transpose(w.plain(), [2, 3, 1, 0]))
  const convolved = (t: Tensor, f: Tensor) =>
    tf.conv2d(t as Four, f as Four, strides, padding as 'valid', 'NHWC', dilations)
  return [
    madeChannelsLast(call, x.dtype, () => {
      if (group === 1) return withBias(convolved(image(), filter))
      const filters = tf.split(filter, group, 3)
      const parts = tf.split(image(), group, 3).map((t, i) => convolved(t, filters[i]!))
      return withBias(tf.concat(parts, 3))
    }),
  ]
}

/** Refuses what is no window over images. */
const window = (more?: (node: OperatorNode) => string | undefined): Kernel['refuses'] => {
  return (node) => {
    const shape = numbersAttribute(node.attributes, 'kernel_shape')
    if (shape && shape.length !== 2) return `over ${shape.length} axes`
    return more?.(node)
  }
}

const undilated = ({ attributes, outputs }: OperatorNode): string | undefined => {
  if (numbersAttribute(attributes, 'dilations')?.some((d) => d !== 1)) return 'with dilations'
  return outputs.length > 1 ? 'with indices' : undefined
}

/** Below every number: what lies around an image is never the largest. */
const lowest = -3.4028234663852886e38

type Image = Parameters<ReturnType<() => Call['tf']['maxPool']>>[0]

const maxPool = kernel((call) => {
  const x = inputAt(call, 0)
  const size = numbersAttribute(call.attributes, 'kernel_shape') as Pair
  const { strides, pads } = slidingOver(x, size, call)
  const image = () => padded(call, x.channelsLast(), pads, lowest) as Image
  return [madeChannelsLast(call, x.dtype, () => call.tf.maxPool(image(), size, strides, 'valid'))]
}, window(undilated))

const averagePool = kernel(
  (call) => {
    const { tf } = call
    const x = inputAt(call, 0)
    const size = numbersAttribute(call.attributes, 'kernel_shape') as Pair
    const { strides, pads } = slidingOver(x, size, call)
    const counted = numberAttribute(call.attributes, 'count_include_pad', 0) === 1 || isNone(pads)
    const pooled = (t: Tensor) => tf.avgPool(padded(call, t, pads) as Image, size, strides, 'valid')
    const [, , height, width] = x.shape as [number, number, number, number]
    return [
      madeChannelsLast(call, x.dtype, () => {
        const mean = pooled(x.channelsLast())
        return counted ? mean : tf.div(mean, pooled(tf.ones([1, height, width, 1])))
      }),
    ]
  },
  window((node) =>
    numberAttribute(node.attributes, 'ceil_mode', 0) === 1 ? 'with ceil_mode' : undilated(node),
  ),
)

const globalAveragePool = kernel((call) => {
  const x = inputAt(call, 0)
  if (x.shape.length !== 4) throw unfit('TensorFlow.js pools images [N, C, H, W] only, here')
  return [madeChannelsLast(call, x.dtype, () => call.tf.mean(x.channelsLast(), [1, 2], true))]
})

const resize = kernel(
  async (call) => {
    const { tf, attributes } = call
    const x = inputAt(call, 0)
    const [scales, sizes] = [call.inputs[2], call.inputs[3]]
    const factors = scales ? await listOf(scales) : []
    const to =
      factors.length > 0
        ? x.shape.map((d, i) => Math.floor(d * factors[i]!))
        : await listOf(sizes ?? inputAt(call, 3))
    if (x.shape.length !== 4 || to[0] !== x.shape[0] || to[1] !== x.shape[1])
      throw unfit('TensorFlow.js resizes the rows and columns of images [N, C, H, W] only, here')
    const along = (axis: 2 | 3) => {
      const [from, until] = [x.shape[axis]!, to[axis]!]
      const factor = factors[axis] ?? until / from
      return call.constant(`${axis} ${from} ${until}`, () =>
        tf.tensor2d(interpolation(from, until, factor, attributes), [until, from]),
      )
    }
    const [n, c, height, width] = x.shape as [number, number, number, number]
    return [
      made(call, x.dtype, () => {
        const wide = tf.matMul(tf.reshape(x.plain(), [-1, width]), along(3), false, true)
        const planes = tf.reshape(wide, [n * c, height, to[3]!])
        return tf.reshape(tf.matMul(tf.reshape(along(2), [1, to[2]!, height]), planes), [...to])
      }),
    ]
  },
  ({ attributes }) => {
    if (attributes['axes'] ?? attributes['keep_aspect_ratio_policy']) return 'with axes or a policy'
    if (numberAttribute(attributes, 'antialias', 0) === 1) return 'with antialias'
    return resizeModes(attributes)
  },
)

export const vision: Kernels = {
  Conv: kernel(conv, window()),
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
  Resize: resize,
}

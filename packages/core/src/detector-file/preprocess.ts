import { floats } from '@cflow/base'
import {
  abs,
  add,
  assumeShape,
  cast,
  clip,
  concat,
  constant,
  div,
  floor,
  less,
  matMul,
  max,
  mul,
  range,
  reduceSum,
  reshape,
  scalar,
  scale,
  sin,
  sizeOfAxis,
  slice,
  sliceBetween,
  sub,
  transpose,
  where,
} from '@cflow/graph'
import type { Value } from '@cflow/graph'

const lobes = 3
/** Samples that are made by one product, from the input samples that they need. */
const blockSize = 32

/** Samples of a resampled axis, and the part of the input's axis that they are made of. */
interface Block {
  /** Their weights, [block, end − start], rows sum to 1. */
  readonly weights: Value
  /** Of the input's axis, int64 [1]: first, and last + 1. */
  readonly start: Value
  readonly end: Value
}

/**
 * Pillow's antialiased Lanczos resampling from n to `size` samples, block by block: all samples at once would be a product
 * with a matrix that is nearly all zeros when n is large.
 * @param n int64 scalar, known only at run time
 */
function lanczosBlocks(n: Value, size: number): Block[] {
  const count = cast(n, 'float32')
  const ratio = scale(count, 1 / size)
  const filterScale = max(ratio, scalar(1))
  const centres = constant(
    floats(
      'float32',
      [size, 1],
      Array.from({ length: size }, (_, i) => i + 0.5),
    ),
  )
  const samples = add(cast(range(n), 'float32'), scalar(0.5))
  const x = div(sub(reshape(samples, [1, -1]), mul(centres, ratio)), filterScale)
  const product = mul(sinc(x), sinc(scale(x, 1 / lobes)))
  const weights = where(less(abs(x), scalar(lobes)), product, scalar(0))
  const matrix = div(weights, reduceSum(weights, [1], true))

  const reach = scale(filterScale, lobes)
  // one sample more on either side, in case of rounding: its weight is 0; the runtime ends a slice at the axis' end
  const place = (v: Value) => reshape(cast(floor(v), 'int64'), [1])
  return Array.from({ length: Math.ceil(size / blockSize) }, (_, b) => {
    const from = b * blockSize
    const to = Math.min(from + blockSize, size)
    const before = sub(scale(ratio, from + 0.5), add(reach, scalar(1)))
    const start = place(max(before, scalar(0)))
    const end = place(add(scale(ratio, to - 0.5), add(reach, scalar(2))))
    return { weights: sliceBetween(slice(matrix, [0], [from], [to]), 1, start, end), start, end }
  })
}

function sinc(x: Value): Value {
  const px = scale(x, Math.PI)
  const small = less(abs(x), scalar(1e-6))
  return where(small, scalar(1), div(sin(px), where(small, scalar(1), px)))
}

/** Round half up to whole numbers in 0 … 255, as Pillow does after each pass. */
const toByte = (x: Value): Value => clip(floor(add(x, scalar(0.5))), 0, 255)

/**
 * The one resampler, for training and inference: Pillow's Lanczos with antialiasing, rounding to 8 bits after the
 * horizontal and after the vertical pass. An image that has the size already comes out unchanged.
 * @param image uint8 [N, H, W, 3], any N, H, W
 * @returns float32 [N, 3, size, size], whole numbers in 0 … 255
 */
export const resample = (image: Value, size: number): Value => resampleTo(image, size, size)

/** `resample` to any height and width. */
export function resampleTo(image: Value, height: number, width: number): Value {
  const planes = transpose(image, [0, 3, 1, 2])
  const horizontal = lanczosBlocks(sizeOfAxis(image, 2), width)
  const vertical = lanczosBlocks(sizeOfAxis(image, 1), height)
  const columns = horizontal.map(({ weights, start, end }) =>
    matMul(cast(sliceBetween(planes, 3, start, end), 'float32'), transpose(weights, [1, 0])),
  )
  const narrowed = toByte(concat(columns, 3))
  const rows = vertical.map(({ weights, start, end }) =>
    matMul(weights, sliceBetween(narrowed, 2, start, end)),
  )
  return assumeShape(toByte(concat(rows, 2)), [image.shape[0] ?? null, 3, height, width])
}

/** `resample` as images again. @returns uint8 [N, size, size, 3] */
export const resampledImage = (image: Value, size: number): Value =>
  cast(transpose(resample(image, size), [0, 2, 3, 1]), 'uint8')

/** (x/255 − mean)/std per channel. @param pixels float32 [N, 3, S, S] in 0 … 255 */
export function normalise(
  pixels: Value,
  mean: readonly [number, number, number],
  std: readonly [number, number, number],
): Value {
  const factor = std.map((s) => 1 / (255 * s))
  const offset = mean.map((m, c) => -m / (std[c] as number))
  const perChannel = (values: number[]) => constant(floats('float32', [1, 3, 1, 1], values))
  return assumeShape(add(mul(pixels, perChannel(factor)), perChannel(offset)), pixels.shape)
}

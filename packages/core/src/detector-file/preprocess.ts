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
  min,
  mul,
  range,
  reduceSum,
  relu,
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
import * as z from 'zod'

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

/** Samples of a resampled axis, counted from 0, as a column. */
const counted = (size: number, offset: number): Value =>
  constant(
    floats(
      'float32',
      [size, 1],
      Array.from({ length: size }, (_, i) => i + offset),
    ),
  )

/** Where an axis of the image lies among the samples of a padded one: float32 scalars, whole numbers. */
interface Extent {
  readonly before: Value
  readonly length: Value
}

/**
 * How an image comes to its square.
 * - `stretch`: resized to it, whatever its proportions (the paper's)
 * - `pad`: its longer side fills the square, and beyond its shorter one's ends the last pixels go on
 */
export const resizeSchema = z.enum(['stretch', 'pad'])
export type Resize = z.infer<typeof resizeSchema>

/**
 * Pixels of a square of `size` that an image of width×height covers when it is padded: `before` pixels lie before it along
 * each axis.
 */
export function paddedExtent(
  { width, height }: { readonly width: number; readonly height: number },
  size: number,
): Readonly<Record<'x' | 'y', { readonly before: number; readonly length: number }>> {
  const longer = Math.max(width, height)
  const of = (n: number) => {
    const length = Math.max(Math.floor((n * size) / longer + 0.5), 1)
    return { before: Math.floor((size - length) / 2), length }
  }
  return { x: of(width), y: of(height) }
}

/** The same in the graph. @param n the axis, `longer` the longer one, int64 scalars */
function extentOf(n: Value, longer: Value, size: number): Extent {
  const part = div(scale(cast(n, 'float32'), size), cast(longer, 'float32'))
  const length = max(floor(add(part, scalar(0.5))), scalar(1))
  return { length, before: floor(scale(sub(scalar(size), length), 0.5)) }
}

/**
 * Pillow's antialiased Lanczos resampling from n to `size` samples, block by block: all samples at once would be a product
 * with a matrix that is nearly all zeros when n is large.
 * @param n int64 scalar, known only at run time
 * @param extent where the axis lies among the samples, all of them when absent; those outside are as the nearest one inside
 */
function lanczosBlocks(n: Value, size: number, extent?: Extent): Block[] {
  const count = cast(n, 'float32')
  const ratio = extent ? div(count, extent.length) : scale(count, 1 / size)
  const filterScale = max(ratio, scalar(1))
  const centres = extent ? inside(size, extent) : counted(size, 0.5)
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
    const at = (i: number): Value =>
      extent ? mul(ratio, reshape(slice(centres, [0], [i], [i + 1]), [])) : scale(ratio, i + 0.5)
    const start = place(max(sub(at(from), add(reach, scalar(1))), scalar(0)))
    const end = place(add(at(to - 1), add(reach, scalar(2))))
    return { weights: sliceBetween(slice(matrix, [0], [from], [to]), 1, start, end), start, end }
  })
}

/** Centres of the samples on the image's part of the axis, [size, 1]: those beyond an end are as the last one. */
function inside(size: number, { before, length }: Extent): Value {
  const own = sub(counted(size, 0.5), before)
  return min(max(own, scalar(0.5)), sub(length, scalar(0.5)))
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
export function resample(image: Value, size: number, resize: Resize = 'stretch'): Value {
  if (resize === 'stretch') return resampleTo(image, size, size)
  const { x, y } = extents(image, size)
  return resampleTo(image, size, size, x, y)
}

/** Where a padded image lies on its square. */
function extents(image: Value, size: number): Readonly<Record<'x' | 'y', Extent>> {
  const [height, width] = [sizeOfAxis(image, 1), sizeOfAxis(image, 2)]
  const longer = max(height, width)
  return { x: extentOf(width, longer, size), y: extentOf(height, longer, size) }
}

/**
 * What a map shows of a padded image, stretched to the whole map: bilinear, half pixels.
 * @param map [N, S, S] @param image uint8 [N, H, W, 3]
 * @returns [N, S, S]
 */
export function unpadded(map: Value, image: Value): Value {
  const size = map.shape[1] as number
  const { x, y } = extents(image, size)
  /** [S, S], rows sum to 1. */
  const weights = ({ before, length }: Extent): Value => {
    const places = sub(mul(counted(size, 0.5), scale(length, 1 / size)), scalar(0.5))
    const last = sub(length, scalar(1))
    const at = add(min(max(places, scalar(0)), last), before)
    const columns = reshape(counted(size, 0), [1, size])
    return relu(sub(scalar(1), abs(sub(columns, at))))
  }
  return assumeShape(matMul(matMul(weights(y), map), transpose(weights(x), [1, 0])), map.shape)
}

/** `resample` to any height and width. */
export function resampleTo(
  image: Value,
  height: number,
  width: number,
  x?: Extent,
  y?: Extent,
): Value {
  const planes = transpose(image, [0, 3, 1, 2])
  const horizontal = lanczosBlocks(sizeOfAxis(image, 2), width, x)
  const vertical = lanczosBlocks(sizeOfAxis(image, 1), height, y)
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
export const resampledImage = (image: Value, size: number, resize?: Resize): Value =>
  cast(transpose(resample(image, size, resize), [0, 2, 3, 1]), 'uint8')

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

import { floats } from '@cflow/base'
import {
  abs,
  add,
  assumeShape,
  cast,
  clip,
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
  sub,
  transpose,
  where,
} from '@cflow/graph'
import type { Value } from '@cflow/graph'

const lobes = 3

/**
 * Weights of Pillow's antialiased Lanczos resampling from n to `size` samples, as a graph: [size, n], rows sum to 1.
 * @param n int64 scalar, known only at run time
 */
function lanczosMatrix(n: Value, size: number): Value {
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
  return div(weights, reduceSum(weights, [1], true))
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
  const planes = cast(transpose(image, [0, 3, 1, 2]), 'float32')
  const horizontal = transpose(lanczosMatrix(sizeOfAxis(image, 2), width), [1, 0])
  const vertical = lanczosMatrix(sizeOfAxis(image, 1), height)
  const narrowed = toByte(matMul(planes, horizontal))
  const resized = toByte(matMul(vertical, narrowed))
  return assumeShape(resized, [image.shape[0] ?? null, 3, height, width])
}

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

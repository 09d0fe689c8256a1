import { CflowError } from '@cflow/base'
import { pad, shapeText, type Value } from '@cflow/graph'
import type { Padding } from '../spec.js'

type Pads = readonly [top: number, left: number, bottom: number, right: number]

/**
 * What a convolution needs around its input so that the output has ⌈size/stride⌉ positions along each axis.
 * - `zeros`: PyTorch's (kernel − 1)/2 on every side, by the convolution itself;
 * - `reflect`: the same, filled by reflection before the convolution;
 * - `same`: TensorFlow's SAME: as few zeros as needed, the odd one at the bottom and right.
 * @returns the input, padded where the convolution cannot do it, and the pads for the convolution
 * @throws CflowError SHAPE when the size must be known and is not, or is too small to be reflected
 */
export function padFor(
  image: Value,
  kernel: number,
  stride: number,
  padding: Padding,
): { readonly image: Value; readonly pads: Pads } {
  const side = (kernel - 1) / 2
  const none: Pads = [0, 0, 0, 0]
  if (side === 0) return { image, pads: none }
  if (padding === 'zeros' || (padding === 'same' && stride === 1))
    return { image, pads: [side, side, side, side] }
  const [, , height, width] = image.shape
  if (typeof height !== 'number' || typeof width !== 'number')
    throw new CflowError(
      'SHAPE',
      `the height and width of the image must be known, got ${shapeText(image.shape)}`,
    )
  if (padding === 'same') {
    const lacking = (size: number) =>
      Math.max((Math.ceil(size / stride) - 1) * stride + kernel - size, 0) / 2
    const [y, x] = [lacking(height), lacking(width)]
    return { image, pads: [Math.floor(y), Math.floor(x), Math.ceil(y), Math.ceil(x)] }
  }
  if (Math.min(height, width) <= side)
    throw new CflowError(
      'SHAPE',
      `a map of ${height}×${width} is too small for reflection by ${side}`,
      { subject: 'inputSize', hint: 'use an input size of more than 32' },
    )
  const sides = [0, 0, side, side]
  return { image: pad(image, [...sides, ...sides], 'reflect'), pads: none }
}

import { tensor, type Tensor } from './tensor.js'

/** An 8-bit RGB image, interleaved: `data[(y·width + x)·3 + channel]`. */
export interface RgbImage {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/** A binary mask: 0 is normal, 1 is anomalous; `data[y·width + x]`. */
export interface Mask {
  readonly width: number
  readonly height: number
  readonly data: Uint8Array
}

/**
 * Images of one size as what detectors take, uint8 [N, H, W, 3]; of a single image without a copy.
 * @throws CflowError SHAPE when they are not of one size
 */
export function imageTensor(...images: readonly RgbImage[]): Tensor<'uint8'> {
  const [first] = images as readonly [RgbImage]
  const { width, height } = first
  const size = first.data.length
  let { data } = first
  if (images.length > 1) {
    data = new Uint8Array(size * images.length)
    images.forEach((image, i) => data.set(image.data, i * size))
  }
  return tensor('uint8', [images.length, height, width, 3], data)
}

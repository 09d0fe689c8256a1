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

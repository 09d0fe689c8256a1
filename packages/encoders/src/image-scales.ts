import { CflowError, messageOf } from '@cflow/base'
import { imageLevels, type Tap } from '@cflow/core'
import { input } from '@cflow/graph'
import type { EncoderModel } from './encoder-model.js'

/**
 * An encoder that sees the image at several sizes: whole, half (every 2×2 pixels averaged), quarter … The taps of one size
 * come after those of the larger one; the stride of each is in pixels of the whole image.
 * @param count sizes; 1 leaves the encoder as it is
 * @throws CflowError CONFIG where the encoder cannot be built for the smaller sizes
 */
export function withImageScales(model: EncoderModel, count: number): EncoderModel {
  if (count === 1) return model
  const { encoder, inputSize, taps } = model
  const sizes = Array.from({ length: count }, (_, level) => inputSize / 2 ** level)
  const smaller = sizes.slice(1).flatMap((size, i) => {
    const factor = 2 ** (i + 1)
    try {
      if (!Number.isInteger(size)) throw new Error(`${size} is no number of pixels`)
      const maps = encoder.taps(input('probe', 'float32', ['N', 3, size, size]))
      return taps.map((tap, k): Tap => {
        const [, , height, width] = maps[k]?.shape as readonly number[]
        const [h, w] = [height as number, width as number]
        return { ...tap, name: `${tap.name} 1/${factor}`, stride: factor * tap.stride, height: h, width: w } // prettier-ignore
      })
    } catch (error) {
      throw new CflowError(
        'CONFIG',
        `the encoder takes no images of ${size} pixels: ${messageOf(error)}`,
        {
          subject: 'imageScales',
          hint: 'use 1, or an input size that can be halved so often',
          cause: error,
        },
      )
    }
  })
  return {
    ...model,
    encoder: {
      ...encoder,
      taps: (pixels) => imageLevels(pixels, count).flatMap((planes) => encoder.taps(planes)),
    },
    taps: [...taps, ...smaller],
  }
}

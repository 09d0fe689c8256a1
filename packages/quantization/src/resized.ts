import type { RgbImage, Tensor } from '@cflow/base'
import { imageInput, resampledImage } from '@cflow/core'
import { writeOnnx } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import { feedOf } from './calibrate.js'
import type { Images } from './calibrate.js'

/** Bytes of resized images that are kept in memory. */
const budget = 256 * 2 ** 20

/**
 * Images that are decoded and resized once, when they are first asked for, and kept: a detector's own resampler, which
 * gives whole numbers, so that the detector computes the same on them. Too many images for the memory are read again each
 * time, as they are.
 */
export function once(runtime: Runtime, images: Images, size: number): Images {
  const most = Math.floor(budget / (size * size * 3))
  let kept: readonly RgbImage[] | undefined
  return async function* () {
    if (kept) return yield* kept
    const resized = resampledImage(imageInput(), size)
    const session = await runtime.createSession(writeOnnx({ resized }))
    const fresh: RgbImage[] = []
    let tooMany = false
    try {
      for await (const image of images()) {
        if (tooMany) {
          yield image
          continue
        }
        const got = await session.run(feedOf(image))
        const { data } = got['resized'] as Tensor<'uint8'>
        const small: RgbImage = { width: size, height: size, data }
        fresh.push(small)
        tooMany = fresh.length > most
        if (tooMany) fresh.length = 0
        yield small
      }
      if (!tooMany) kept = fresh
    } finally {
      await session.release()
    }
  }
}

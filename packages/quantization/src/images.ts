import { imageTensor, type RgbImage, type Tensor } from '@cflow/base'
import { detectorNames, imageInput, resampledImage, type Manifest } from '@cflow/core'
import { loadDetector, type DetectionOf, type Parts } from '@cflow/detector'
import { writeOnnx } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'

/** Images, the same ones at every call. */
export type Images = () => AsyncIterable<RgbImage>

/** Bytes of resized images that are kept in memory. */
const budget = 256 * 2 ** 20

/**
 * Images that are decoded and resized once, when they are first asked for, and kept: a detector's own resampler, which
 * gives whole numbers, so that the detector computes the same on them. Too many images for the memory are read again each
 * time, as they are.
 */
export function once(
  runtime: Runtime,
  images: Images,
  { inputSize: size, resize }: Pick<Manifest, 'inputSize' | 'resize'>,
): Images {
  const max = Math.floor(budget / (size * size * 3))
  let kept: readonly RgbImage[] | undefined
  return async function* () {
    if (kept) return yield* kept
    const model = writeOnnx({ resized: resampledImage(imageInput(), size, resize) })
    const session = await runtime.createSession(model)
    const fresh: RgbImage[] = []
    let count = 0
    try {
      for await (const image of images()) {
        if (count > max) {
          yield image
          continue
        }
        const got = await session.run({ [detectorNames.image]: imageTensor(image) })
        const { data } = got['resized'] as Tensor<'uint8'>
        const small = { width: size, height: size, data }
        fresh.push(small)
        if (++count > max) fresh.length = 0
        yield small
      }
      if (count <= max) kept = fresh
    } finally {
      await session.release()
    }
  }
}

/** At most `count` of the images, spread evenly over all. */
export function spread(images: Images, total: number, count: number): Images {
  if (total <= count) return images
  return async function* () {
    let [i, taken] = [0, 0]
    for await (const image of images()) {
      if (Math.floor((i++ * count) / total) < taken) continue
      taken++
      yield image
    }
  }
}

/** What a detector file says of images. @param parts of the detections; memory for maps grows with the images */
export async function detections<P extends Parts>(
  runtime: Runtime,
  model: Uint8Array,
  images: Images,
  parts: P,
): Promise<readonly DetectionOf<P>[]> {
  const detector = await loadDetector(model, { runtime })
  try {
    const found: DetectionOf<P>[] = []
    for await (const image of images()) found.push(await detector.detect(image, { parts }))
    return found
  } finally {
    await detector.release()
  }
}

export type Maps = readonly Float32Array[]

/** How far anomaly maps are from those of the float detector: error over spread, both as root mean squares. */
export function deviation(float: Maps, candidate: Maps): number {
  let [sum, squares, error, n] = [0, 0, 0, 0]
  float.forEach((map, i) => {
    map.forEach((v, p) => {
      sum += v
      squares += v * v
      error += (v - (candidate[i]![p] as number)) ** 2
    })
    n += map.length
  })
  const variance = squares / n - (sum / n) ** 2
  return Math.sqrt(error / n / Math.max(variance, 1e-30))
}

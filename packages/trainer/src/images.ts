import type { RgbImage } from '@cflow/base'
import { Random } from '@cflow/base'
import { rotateNearest } from '@cflow/datasets'
import type { Sample } from '@cflow/datasets'
import type { FeatureExtractor } from './encoding.js'
import { ordered } from './pipeline.js'

/** Bytes of resized pixels kept in memory; beyond it images are read again in every pass. */
const pixelBudget = 256 * 2 ** 20
/** Bytes of feature vectors kept in memory; beyond it images are encoded again in every pass. */
const featureBudget = 512 * 2 ** 20

/** Feature vectors of one image: per scale, float32 [h·w, D]. */
export type Features = readonly Float32Array[]

/** The training images, resized once, as pixels and as features; what fits in memory is kept. */
export interface TrainingImages {
  /** Whether the features of all images are kept, so that a pass costs no encoding. */
  readonly cached: boolean
  /** Resized pixels in the order of the indices, read ahead. */
  pixels(indices: Iterable<number>): AsyncGenerator<Uint8Array>
  /**
   * Features of images, in the order of the indices.
   * @param random rotates every image by a random angle when given and the settings ask for it
   */
  features(indices: Iterable<number>, random?: Random): AsyncGenerator<Features>
  /** Replace the features that are kept, such as by their whitened form. */
  transform(change: (features: Features) => Promise<Features>): Promise<void>
  /** Forget the features that are kept: after training, only pixels are asked for. */
  forget(): void
}

export interface TrainingImagesOptions {
  readonly rotation: number
  readonly inputSize: number
  /** Floats of one image's features. */
  readonly featureLength: number
}

export function trainingImages(
  samples: readonly Sample[],
  extractor: FeatureExtractor,
  options: TrainingImagesOptions,
): TrainingImages {
  const { inputSize: size, rotation } = options
  const keepPixels = samples.length * size * size * 3 <= pixelBudget
  const cached = rotation === 0 && samples.length * options.featureLength * 4 <= featureBudget
  const pixelCache: (Uint8Array | undefined)[] = []
  const featureCache: (Features | undefined)[] = []
  let change: ((features: Features) => Promise<Features>) | undefined

  const load = async (index: number): Promise<Uint8Array> => {
    const kept = pixelCache[index]
    if (kept) return kept
    const data = await extractor.resize(await (samples[index] as Sample).load())
    if (keepPixels) pixelCache[index] = data
    return data
  }
  const encode = async (index: number, random: Random | undefined): Promise<Features> => {
    const kept = featureCache[index]
    if (kept) return kept
    // drawn before anything is awaited, so that the order of the draws is that of the indices
    const angle = random && rotation > 0 ? random.uniform(-rotation, rotation) : 0
    const data = await load(index)
    const image: RgbImage = { width: size, height: size, data }
    const raw = await extractor.extract(angle === 0 ? data : rotateNearest(image, angle).data)
    const features = change ? await change(raw) : raw
    if (cached) {
      featureCache[index] = features
      // from now on only its features are asked for, or it is read once more to calibrate with
      pixelCache[index] = undefined
    }
    return features
  }
  return {
    cached,
    pixels: (indices) => ordered(indices, load),
    features: (indices, random) => ordered(indices, (i) => encode(i, random)),
    async transform(next) {
      const before = change
      change = before ? async (f) => next(await before(f)) : next
      for (const [i, f] of featureCache.entries()) if (f) featureCache[i] = await next(f)
    },
    forget() {
      featureCache.length = 0
    },
  }
}

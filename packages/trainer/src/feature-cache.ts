import { imageTensor, ordered, tensor, type Random, type RgbImage, type Tensor } from '@cflow/base'
import { imageInput, resampledImage } from '@cflow/core'
import { rotateNearest, type Sample } from '@cflow/datasets'
import type { EncoderModel } from '@cflow/encoders'
import { cast, input, transpose, writeOnnx } from '@cflow/graph'
import { tapRows, type Extraction, type Features, type FeatureSource } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'

/** Bytes of resized pixels kept in memory; beyond it images are read again in every pass. */
const pixelBudget = 256 * 2 ** 20
/** Bytes of feature vectors kept in memory; beyond it images are encoded again in every pass. */
const featureBudget = 512 * 2 ** 20

/** The training images, resized once, as pixels and as features; what fits in memory is kept. */
export interface FeatureCache extends FeatureSource {
  /** Resized pixels, uint8 [S, S, 3], in the order of the indices, read ahead. */
  pixels(indices: Iterable<number>): AsyncGenerator<Uint8Array>
  /** SHA-256 over the SHA-256 of each image's pixels, in order; every image is read. */
  digest(onImage: (done: number) => void): Promise<string>
  /** The same features, which may be transformed on their own. */
  fork(): FeatureSource
  /** Forget the features that are kept: after training, only pixels are asked for. */
  forget(): void
}

/** @param extraction what of the images is extracted */
export async function featureCache(
  runtime: Runtime,
  samples: readonly Sample[],
  encoder: Pick<EncoderModel, 'encoder' | 'inputSize'>,
  { view = tapRows, rotation = 0, kept = Infinity }: Extraction = {},
): Promise<FeatureCache> {
  const { inputSize: size } = encoder
  const resize = await imageResizer(runtime, size)
  const extract = await extractor(runtime, encoder, view)
  const keepPixels = samples.length * size * size * 3 <= pixelBudget
  const cached = rotation === 0 && samples.length * kept * 4 <= featureBudget
  const pixelCache: (Uint8Array | undefined)[] = []
  const cache: (Features | undefined)[] = []

  const load = async (index: number): Promise<Uint8Array> => {
    const known = pixelCache[index]
    if (known) return known
    const data = await resize(await (samples[index] as Sample).load())
    if (keepPixels) pixelCache[index] = data
    return data
  }
  /** Features, kept in a list of their own where they are. */
  const source = (list: (Features | undefined)[]): FeatureSource => {
    let change: ((features: Features) => Promise<Features>) | undefined
    const encode = async (index: number, random: Random | undefined): Promise<Features> => {
      const known = list[index]
      if (known) return known
      // drawn before anything is awaited, so that the order of the draws is that of the indices
      const angle = random && rotation > 0 ? random.uniform(-rotation, rotation) : 0
      const data = await load(index)
      const image: RgbImage = { width: size, height: size, data }
      const raw = await extract(angle === 0 ? data : rotateNearest(image, angle).data)
      const features = change ? await change(raw) : raw
      if (cached) {
        list[index] = features
        // from now on only its features are asked for, or it is read once more to calibrate with
        pixelCache[index] = undefined
      }
      return features
    }
    return {
      cached,
      of: (indices, random) => ordered(indices, (i) => encode(i, random)),
      async transform(next) {
        const before = change
        change = before ? async (f) => next(await before(f)) : next
        for (const [i, f] of list.entries()) if (f) list[i] = await next(f)
      },
    }
  }
  const pixels = (indices: Iterable<number>) => ordered(indices, load)
  return {
    ...source(cache),
    pixels,
    async digest(onImage) {
      const parts: string[] = []
      for await (const data of pixels(samples.keys())) onImage(parts.push(await sha256(data)))
      return sha256(new TextEncoder().encode(parts.join('\n')))
    },
    fork: () => source([...cache]),
    forget() {
      cache.length = 0
    },
  }
}

/** Resizes images by the graph's one resampler, to uint8 [S, S, 3]. */
export async function imageResizer(
  runtime: Runtime,
  size: number,
): Promise<(image: RgbImage) => Promise<Uint8Array>> {
  const session = await runtime.createSession(
    writeOnnx({ pixels: resampledImage(imageInput(), size) }),
  )
  return async (image) => {
    if (image.width === size && image.height === size) return image.data
    const got = await session.run({ image: imageTensor(image) })
    return (got['pixels'] as Tensor<'uint8'>).data
  }
}

/** From pixels, uint8 [S, S, 3], to what a view gives. */
async function extractor(
  runtime: Runtime,
  { inputSize: size, encoder }: Pick<EncoderModel, 'encoder' | 'inputSize'>,
  view: NonNullable<Extraction['view']>,
): Promise<(pixels: Uint8Array) => Promise<Features>> {
  const pixels = input('pixels', 'uint8', ['N', size, size, 3])
  const features = view(cast(transpose(pixels, [0, 3, 1, 2]), 'float32'), encoder)
  const session = await runtime.createSession(
    writeOnnx(Object.fromEntries(features.map((rows, k) => [`rows${k}`, rows]))),
  )
  return async (data) => {
    const got = await session.run({ pixels: tensor('uint8', [1, size, size, 3], data) })
    return features.map((_, k) => (got[`rows${k}`] as Tensor<'float32'>).data)
  }
}

/** SHA-256 as lower-case hexadecimal digits (Web Crypto: Node and secure pages). */
async function sha256(data: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', data as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(hash), (b) => b.toString(16).padStart(2, '0')).join('')
}

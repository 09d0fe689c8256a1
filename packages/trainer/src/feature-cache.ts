import { imageTensor, ordered, tensor, type Random, type RgbImage, type Tensor } from '@cflow/base'
import { imageInput, resampledImage, type Resize } from '@cflow/core'
import { isColour, rotateNearest, type ImageFacts, type Sample } from '@cflow/datasets'
import type { EncoderModel } from '@cflow/encoders'
import { cast, input, transpose, writeOnnx } from '@cflow/graph'
import { tapRows, type Extraction, type Features, type FeatureSource } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import { pictureOf } from './near-copies.js'

/** Bytes of resized pixels kept in memory; beyond it images are read again in every pass. */
const pixelBudget = 256 * 2 ** 20
/** Bytes of feature vectors kept in memory; beyond it images are encoded again in every pass. */
const featureBudget = 512 * 2 ** 20

/** Images, resized once; what fits in memory is kept. */
export interface PixelCache {
  readonly count: number
  /** Resized pixels of one image, uint8 [S, S, 3]. */
  load(index: number): Promise<Uint8Array>
  /** Those of several, in the order of the indices, read ahead. */
  pixels(indices: Iterable<number>): AsyncGenerator<Uint8Array>
  /** Read every image, once, and tell what is known of all of them. */
  read(onImage: (done: number) => void): Promise<PixelFacts>
  /** Its pixels are asked for rarely from now on. */
  drop(index: number): void
}

/** What is known of images when all are read. */
export interface PixelFacts {
  /** SHA-256 over the SHA-256 of each image's resized pixels, in order. */
  readonly digest: string
  /** Of each image as it was decoded (`imageDigest`). */
  readonly digests: readonly string[]
  /** Sizes, as they were decoded, and whether in colour. */
  readonly images: readonly ImageFacts[]
  /** `pictureOf` each, to find near copies. */
  readonly pictures: readonly Float32Array[]
}

/** The training images as features; what fits in memory is kept. */
export interface FeatureCache extends FeatureSource {
  /** The same features, which may be transformed on their own. */
  fork(): FeatureSource
  /** Forget the features that are kept: after training, only pixels are asked for. */
  forget(): void
}

/** The square that images come to, and how: part of a configuration and of a manifest. */
export interface Square {
  /** S */
  readonly inputSize: number
  /** `stretch` when absent. */
  readonly resize?: Resize | undefined
}

export async function pixelCache(
  runtime: Runtime,
  samples: readonly Sample[],
  square: Square,
): Promise<PixelCache> {
  const { inputSize: size } = square
  const resize = await imageResizer(runtime, square)
  const keep = samples.length * size * size * 3 <= pixelBudget
  const cache: (Uint8Array | undefined)[] = []
  const digests: string[] = []
  const facts: ImageFacts[] = []
  const load = async (index: number): Promise<Uint8Array> => {
    const known = cache[index]
    if (known) return known
    const sample = samples[index] as Sample
    const image = await sample.load()
    if (digests[index] === undefined) {
      const { width, height } = image
      facts[index] = { id: sample.id, width, height, colour: isColour(image) }
      digests[index] = await imageDigest(image)
    }
    const data = await resize(image)
    if (keep) cache[index] = data
    return data
  }
  const pixels = (indices: Iterable<number>) => ordered(indices, load)
  return {
    count: samples.length,
    load,
    pixels,
    async read(onImage) {
      const parts: string[] = []
      const pictures: Float32Array[] = []
      for await (const data of pixels(samples.keys())) {
        pictures.push(pictureOf(data, size))
        onImage(parts.push(await sha256(data)))
      }
      const digest = await sha256(new TextEncoder().encode(parts.join('\n')))
      return { digest, digests, images: facts, pictures }
    },
    drop(index) {
      cache[index] = undefined
    },
  }
}

/** @param extraction what of the images is extracted */
export async function featureCache(
  runtime: Runtime,
  images: PixelCache,
  encoder: Pick<EncoderModel, 'encoder' | 'inputSize'>,
  { view = tapRows, rotation = 0, brightness = 0, kept = Infinity }: Extraction = {},
): Promise<FeatureCache> {
  const { inputSize: size } = encoder
  const extract = await extractor(runtime, encoder, view)
  const cached = rotation === 0 && brightness === 0 && images.count * kept * 4 <= featureBudget
  const cache: (Features | undefined)[] = []

  /** Features, kept in a list of their own where they are. */
  const source = (list: (Features | undefined)[]): FeatureSource => {
    let change: ((features: Features) => Promise<Features>) | undefined
    const encode = async (index: number, random: Random | undefined): Promise<Features> => {
      const known = list[index]
      if (known) return known
      // drawn before anything is awaited, so that the order of the draws is that of the indices
      const angle = random && rotation > 0 ? random.uniform(-rotation, rotation) : 0
      const factor = random && brightness > 0 ? 1 + random.uniform(-brightness, brightness) : 1
      const data = await images.load(index)
      const image: RgbImage = { width: size, height: size, data }
      const turned = angle === 0 ? data : rotateNearest(image, angle).data
      const raw = await extract(factor === 1 ? turned : brightened(turned, factor))
      const features = change ? await change(raw) : raw
      if (cached) {
        list[index] = features
        // from now on only its features are asked for, or it is read once more to calibrate with
        images.drop(index)
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
  return {
    ...source(cache),
    fork: () => source([...cache]),
    forget() {
      cache.length = 0
    },
  }
}

/** Pixels times a factor, as far as bytes go. */
const brightened = (data: Uint8Array, factor: number): Uint8Array =>
  Uint8Array.from(data, (v) => Math.min(Math.round(v * factor), 255))

/** Which image this is: of its decoded pixels, 64 bits of SHA-256 as hexadecimal digits. */
export async function imageDigest({ width, height, data }: RgbImage): Promise<string> {
  const size = new TextEncoder().encode(`${width}x${height} ${await sha256(data)}`)
  return (await sha256(size)).slice(0, 16)
}

/** Resizes images by the graph's one resampler, to uint8 [S, S, 3]. */
export async function imageResizer(
  runtime: Runtime,
  { inputSize: size, resize }: Square,
): Promise<(image: RgbImage) => Promise<Uint8Array>> {
  const session = await runtime.createSession(
    writeOnnx({ pixels: resampledImage(imageInput(), size, resize) }),
  )
  return async (image) => {
    if (image.width === size && image.height === size) return image.data
    const got = await session.run({ image: imageTensor(image) })
    return (got['pixels'] as Tensor<'uint8'>).data
  }
}

/** Pixels of images that are read once, one after the other, as `PixelCache.pixels` gives those of its own. */
export async function resizedPixels(
  runtime: Runtime,
  square: Square,
  samples: readonly Sample[],
): Promise<AsyncIterable<Uint8Array>> {
  const resize = await imageResizer(runtime, square)
  return ordered(samples, async (s) => resize(await s.load()))
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

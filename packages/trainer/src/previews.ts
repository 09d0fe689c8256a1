import { CflowError, tensor, type Tensor } from '@cflow/base'
import { encodePixels, type Head, type Manifest } from '@cflow/core'
import type { EncoderModel } from '@cflow/encoders'
import { cast, input, transpose, writeOnnx } from '@cflow/graph'
import type { Epochs, Job } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import { verdictsOf, type Found } from './calibrate.js'
import type { PixelCache } from './feature-cache.js'
import { evenly } from './split.js'

/** Who is shown how a detector learns: heat maps of a few good images, pass by pass. */
export interface Previews {
  /** How many images at most; 4 when absent. */
  readonly images?: number
  /** Called before the first pass (or where a resumed training goes on) and after every pass, and waited for. */
  readonly onPreview: (preview: Preview) => unknown
}

/** What the unfinished detector sees in a few good images. */
export interface Preview {
  /** Passes done: 0 before the first one. */
  readonly pass: number
  /** Passes there are at most. */
  readonly passes: number
  /** Whether the images are kept out of the training, or are some that it learns from, where none are kept out. */
  readonly source: 'held-out' | 'training'
  /** S: the maps are S×S. */
  readonly size: number
  readonly images: readonly PreviewImage[]
  /**
   * For colours that mean the same in every pass: the median and the highest value of the first preview's maps. All maps of a
   * training are in the unit of the first, so that they fall as the images become usual to it; that of the finished detector
   * is another one.
   */
  readonly range: readonly [low: number, high: number]
}

export interface PreviewImage {
  /** In the list of images. */
  readonly index: number
  readonly id: string
  /** [S, S], row by row. */
  readonly map: Float32Array
}

const usualCount = 4

/** @throws CflowError USAGE for a number of images that is none */
export function checkPreviews({ images = usualCount }: Previews): void {
  if (Number.isInteger(images) && images > 0) return
  throw new CflowError('USAGE', `previews.images is a whole number from 1 on, got ${images}`, {
    subject: 'previews',
    hint: 'leave out previews for none',
  })
}

interface PreviewJob extends Pick<Job<unknown>, 'once' | 'signal'> {
  readonly runtime: Runtime
  readonly pixels: PixelCache
  readonly source: Preview['source']
  /** Indices of the images that may be shown. */
  readonly of: readonly number[]
  /** What the caller knows an image by. */
  readonly about: (index: number) => Pick<PreviewImage, 'index' | 'id'>
}

/** What looks at a training for whoever is shown previews. The images are encoded once; the training takes no notice. */
export function previewing({ images = usualCount, onPreview }: Previews, job: PreviewJob): Epochs {
  const chosen = evenly(job.of, images)
  let encoded: readonly Taps[] | undefined
  let seen: ReadonlyMap<string, Seen> = new Map()
  let first: Readonly<Record<string, Tensor>> | undefined
  return {
    every: 1,
    atStart: true,
    async onEpoch(pass, head, encoder, passes) {
      encoded ??= await tapsOf(job, chosen, encoder, head.levels)
      const found = (seen = await evidenceIn(job, encoded, head, seen))
      const size = encoder.inputSize
      const now = statisticsIn(head, found)
      const mapsIn = async (statistics: Manifest['scales']): Promise<Float32Array[]> => {
        const maps: Float32Array[] = []
        for await (const { map } of verdictsOf(job.runtime, head, found, size, statistics)) {
          job.signal?.throwIfAborted()
          maps.push(map)
        }
        return maps
      }
      let maps: Float32Array[] | undefined
      // those of the first look, also when a training goes on: in a unit of its own every pass would look alike
      first ??= await job.once('previews', async () => {
        maps = await mapsIn(now)
        return {
          range: tensor('float64', [2], Float64Array.from(rangeOf(maps))),
          ...(now.length > 0 && { unit: tensor('float64', [now.length, 3], Float64Array.from(now.flatMap(({ mean, deviation, max }) => [mean, deviation, max]))) }), // prettier-ignore
        }
      })
      maps ??= await mapsIn(inUnit(now, first['unit']))
      const [low = 0, high = 1] = Array.from(first['range']?.data ?? [], Number)
      await onPreview({
        ...{ pass, passes, source: job.source, size },
        images: chosen.map((index, i) => ({ ...job.about(index), map: maps![i]! })),
        range: [low, high],
      })
    },
  }
}

/** The feature maps of an image, finest first. */
type Taps = readonly Tensor<'float32'>[]

const feedName = (k: number): string => `tap${k}`

async function tapsOf(
  { runtime, pixels, signal }: PreviewJob,
  indices: readonly number[],
  { encoder, inputSize: size }: EncoderModel,
  levels: number | undefined,
): Promise<readonly Taps[]> {
  const given = input('pixels', 'uint8', [1, size, size, 3])
  const taps = encodePixels(cast(transpose(given, [0, 3, 1, 2]), 'float32'), encoder, levels)
  const session = await runtime.createSession(
    writeOnnx(Object.fromEntries(taps.map((tap, k) => [feedName(k), tap]))),
  )
  const all: Taps[] = []
  for await (const data of pixels.pixels(indices)) {
    signal?.throwIfAborted()
    const got = await session.run({ pixels: tensor('uint8', [1, size, size, 3], data) })
    all.push(taps.map((_, k) => got[feedName(k)] as Tensor<'float32'>))
  }
  await session.release()
  return all
}

/** What one piece of a head's evidence is of the images, and the model that found it. */
interface Seen {
  readonly model: Uint8Array
  readonly shape: readonly number[]
  readonly images: Float32Array[]
}

/**
 * What a head finds in images whose feature maps are known, piece by piece: what a pass did not change, such as the memory or
 * a scale that learns no more, is as it was.
 * @param seen by the head before, by name
 */
async function evidenceIn(
  { runtime, signal }: PreviewJob,
  images: readonly Taps[],
  head: Head,
  seen: ReadonlyMap<string, Seen>,
): Promise<ReadonlyMap<string, Seen>> {
  const inputs = (images[0] as Taps).map(({ shape }, k) => input(feedName(k), 'float32', shape))
  const found = new Map<string, Seen>()
  for (const [name, value] of Object.entries(head.evidence(inputs))) {
    signal?.throwIfAborted()
    const model = writeOnnx({ [name]: value })
    const before = seen.get(name)
    if (before && isSame(before.model, model)) {
      found.set(name, before)
      continue
    }
    const session = await runtime.createSession(model)
    const data: Float32Array[] = []
    let shape: readonly number[] = []
    for (const taps of images) {
      const feeds = taps.map((tap, k) => [feedName(k), tap] as const)
      const needed = feeds.filter(([feed]) => session.inputs.includes(feed))
      const got = (await session.run(Object.fromEntries(needed)))[name] as Tensor<'float32'>
      data.push(got.data)
      ;({ shape } = got)
    }
    await session.release()
    found.set(name, { model, shape, images: data })
  }
  return found
}

const isSame = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i])

const statisticsIn = (head: Head, found: Found): Manifest['scales'] => {
  const byName = Object.fromEntries([...found].map(([name, { images }]) => [name, images]))
  return [...(head.statistics?.(byName) ?? [])]
}

/** Statistics with the mean, deviation and maximum of others. */
const inUnit = (statistics: Manifest['scales'], unit: Tensor | undefined): Manifest['scales'] =>
  statistics.map((s, k) => {
    const [mean = s.mean, deviation = s.deviation, max = s.max] = Array.from(unit?.data ?? [], Number).slice(3 * k, 3 * k + 3) // prettier-ignore
    return { ...s, mean, deviation, max }
  })

/** Median and maximum: up to the median is what most of the pixels look like. */
function rangeOf(maps: readonly Float32Array[]): readonly [low: number, high: number] {
  const values = new Float32Array(maps.reduce((n, map) => n + map.length, 0))
  let at = 0
  for (const map of maps) {
    values.set(map, at)
    at += map.length
  }
  values.sort()
  return [values[(values.length - 1) >> 1] ?? 0, values.at(-1) ?? 1]
}

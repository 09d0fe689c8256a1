import { defectKinds, type DefectKind } from '@cflow/datasets'
import { loadDetector } from '@cflow/detector'
import { evaluateImages, type MappedImage } from '@cflow/metrics'
import { resampleMap } from '@cflow/report'
import type { Runtime } from '@cflow/runtimes'
import { comparedSide, type Trial } from './trials.js'

/** How well made defects are told from the images they were put on. Rates in 0 … 1. */
export interface Quality {
  /** What candidates are ranked by: the mean of `image` and of the mean of `pixel` and `aupro`. */
  readonly score: number
  /** Image AUROC, the mean over the kinds of defect, of which the worst weighs a quarter more. */
  readonly image: number
  /** Pixel AUROC, the same mean. */
  readonly pixel: number
  readonly aupro: number
  /** Mean of image and pixel AUROC of each kind. */
  readonly kinds: Readonly<Record<DefectKind, number>>
  /** The score without one part of the held-out images after the other: how much it hangs on which images these are. */
  readonly without: readonly number[]
}

/** Part of the worst kind. */
const worstWeight = 0.25

/** Parts of the held-out images, as far as two images are left in each. */
const partCount = 4

/** What a detector made of the trials. */
export interface Seen {
  readonly images: readonly (Omit<MappedImage, 'score'> & {
    readonly scores: readonly number[]
    /** Which of the held-out images it shows. */
    readonly of: number
  })[]
  /** Of one image, the median. */
  readonly milliseconds: number
}

/**
 * @param shares of the map's pixels whose mean is a score; the detector's own score where there is none
 * @param onImage called with the number of images that are done; throws to stop
 */
export async function detectTrials(
  runtime: Runtime,
  model: Uint8Array,
  trials: AsyncIterable<Trial>,
  shares: readonly number[],
  onImage: (done: number) => void,
): Promise<Seen> {
  const detector = await loadDetector(model, { runtime })
  const images: Seen['images'][number][] = []
  const milliseconds: number[] = []
  try {
    for await (const { defect, image, mask, of } of trials) {
      const parts = { contributions: false } as const
      const { anomalyMap, score, milliseconds: taken } = await detector.detect(image, { parts })
      images.push({
        label: defect === 'good' ? 'good' : 'anomalous',
        ...{ defect, of },
        scores: shares.length > 0 ? meansOfHighest(anomalyMap.data, shares) : [score],
        anomalyMap: resampleMap(anomalyMap, comparedSide, comparedSide),
        ...(mask && { mask }),
      })
      milliseconds.push(taken)
      onImage(images.length)
    }
  } finally {
    await detector.release()
  }
  const sorted = milliseconds.sort((a, b) => a - b)
  return { images, milliseconds: sorted[Math.floor(sorted.length / 2)] ?? NaN }
}

/** Means of the highest values, for shares of all; the maximum for 0. */
function meansOfHighest(values: Float32Array, shares: readonly number[]): number[] {
  const sorted = values.slice().sort().reverse()
  return shares.map((share) => {
    const count = Math.max(1, Math.round(share * values.length))
    let sum = 0
    for (let i = 0; i < count; i++) sum += sorted[i]!
    return sum / count
  })
}

/** The quality with each of the scores. */
export async function qualities({ images }: Seen): Promise<readonly Quality[]> {
  const good = new Set(images.map((image) => image.of)).size
  const parts = Math.min(partCount, Math.floor(good / 2))
  const found: Quality[] = []
  // pixels are the same with all scores
  const places = await localisation(images)
  const fewer = []
  for (let part = 0; part < parts && parts > 1; part++) {
    const rest = images.filter((image) => image.of % parts !== part)
    fewer.push({ rest, places: await localisation(rest) })
  }
  for (let k = 0; k < (images[0]?.scores.length ?? 0); k++) {
    const without: number[] = []
    for (const { rest, places } of fewer) without.push((await quality(rest, k, places)).score)
    found.push({ ...(await quality(images, k, places)), without })
  }
  return found
}

type Evaluation = Awaited<ReturnType<typeof evaluateImages>>['evaluation']

const scored = (images: Seen['images'], k: number): MappedImage[] =>
  images.map(({ scores, ...image }) => ({ ...image, score: scores[k]! }))

async function localisation(images: Seen['images']): Promise<Evaluation> {
  return (await evaluateImages(scored(images, 0), { masks: true })).evaluation
}

/** @param k which of the scores */
async function quality(
  images: Seen['images'],
  k: number,
  localised: Evaluation,
): Promise<Omit<Quality, 'without'>> {
  const { evaluation } = await evaluateImages(scored(images, k), { masks: false })
  const rate = (of: Evaluation, kind: DefectKind, what: 'imageAuroc' | 'pixelAuroc') =>
    of.defects.find((row) => row.defect === kind)?.[what] ?? NaN
  const own = defectKinds.map((kind) => rate(evaluation, kind, 'imageAuroc'))
  const places = defectKinds.map((kind) => rate(localised, kind, 'pixelAuroc'))
  const image = weighted(own)
  const pixel = weighted(places)
  const aupro = localised.pixel?.aupro ?? NaN
  const kinds = Object.fromEntries(defectKinds.map((kind, i) => [kind, (own[i]! + places[i]!) / 2]))
  return {
    score: (image + (pixel + aupro) / 2) / 2,
    ...{ image, pixel, aupro },
    kinds: kinds as Quality['kinds'],
  }
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length // prettier-ignore

const weighted = (values: readonly number[]): number =>
  (1 - worstWeight) * mean(values) + worstWeight * Math.min(...values)

/** The mean over the folds. */
export function meanQuality(folds: readonly Quality[]): Quality {
  const of = (pick: (q: Quality) => number) => mean(folds.map(pick))
  const kinds = Object.fromEntries(defectKinds.map((kind) => [kind, of((q) => q.kinds[kind])]))
  const score = of((q) => q.score)
  return {
    ...{ score, image: of((q) => q.image) },
    ...{ pixel: of((q) => q.pixel), aupro: of((q) => q.aupro) },
    kinds: kinds as Quality['kinds'],
    // folds of so few images that they have no parts are parts themselves
    without: folds.some((q) => q.without.length === 0)
      ? folds.length < 2
        ? []
        : folds.map((q) => (score * folds.length - q.score) / (folds.length - 1))
      : folds.flatMap((q) => q.without.map((less) => score + (less - q.score) / folds.length)),
  }
}

/** By how much the first is better, and the standard error of that (jackknife over parts of the held-out images). */
export function gainOf(a: Quality, b: Quality): { readonly gain: number; readonly error: number } {
  const gain = a.score - b.score
  const count = Math.min(a.without.length, b.without.length)
  if (count < 2) return { gain, error: 0 }
  const differences = Array.from({ length: count }, (_, i) => a.without[i]! - b.without[i]!)
  const middle = mean(differences)
  const squares = differences.reduce((sum, d) => sum + (d - middle) ** 2, 0)
  return { gain, error: Math.sqrt(((count - 1) / count) * squares) }
}

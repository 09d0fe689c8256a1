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
}

/** Part of the worst kind. */
const worstWeight = 0.25

/** What a detector made of the trials. */
export interface Seen {
  readonly images: readonly (Omit<MappedImage, 'score'> & {
    readonly scores: readonly number[]
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
    for await (const { defect, image, mask } of trials) {
      const parts = { contributions: false } as const
      const { anomalyMap, score, milliseconds: taken } = await detector.detect(image, { parts })
      images.push({
        label: defect === 'good' ? 'good' : 'anomalous',
        defect,
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
  const scored = (k: number): MappedImage[] =>
    images.map(({ scores, ...image }) => ({ ...image, score: scores[k]! }))
  const found: Quality[] = []
  const count = images[0]?.scores.length ?? 0
  // pixels are the same with all scores
  let localised: Awaited<ReturnType<typeof evaluateImages>>['evaluation'] | undefined
  for (let k = 0; k < count; k++) {
    const { evaluation } = await evaluateImages(scored(k), { masks: !localised })
    localised ??= evaluation
    const rate = (of: typeof evaluation, kind: DefectKind, what: 'imageAuroc' | 'pixelAuroc') =>
      of.defects.find((row) => row.defect === kind)?.[what] ?? NaN
    const own = defectKinds.map((kind) => rate(evaluation, kind, 'imageAuroc'))
    const places = defectKinds.map((kind) => rate(localised!, kind, 'pixelAuroc'))
    const image = weighted(own)
    const pixel = weighted(places)
    const aupro = localised.pixel?.aupro ?? NaN
    const kinds = Object.fromEntries(defectKinds.map((kind, i) => [kind, (own[i]! + places[i]!) / 2])) // prettier-ignore
    found.push({
      score: (image + (pixel + aupro) / 2) / 2,
      ...{ image, pixel, aupro },
      kinds: kinds as Quality['kinds'],
    })
  }
  return found
}

const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length // prettier-ignore

const weighted = (values: readonly number[]): number =>
  (1 - worstWeight) * mean(values) + worstWeight * Math.min(...values)

/** The mean over the folds. */
export function meanQuality(qualities: readonly Quality[]): Quality {
  const of = (pick: (q: Quality) => number) => mean(qualities.map(pick))
  const kinds = Object.fromEntries(defectKinds.map((kind) => [kind, of((q) => q.kinds[kind])]))
  return {
    ...{ score: of((q) => q.score), image: of((q) => q.image) },
    ...{ pixel: of((q) => q.pixel), aupro: of((q) => q.aupro) },
    kinds: kinds as Quality['kinds'],
  }
}

import { CflowError } from '@cflow/base'
import { statisticsOf, type ScaleStatistics } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import type { EncoderModel } from '@cflow/encoders'
import { cflow, resolveConfig } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import { verdictsOf, type Found } from './calibrate.js'
import { featureCache, pixelCache } from './feature-cache.js'
import { foundIn, judgeFolds } from './folds.js'
import { partsOf } from './near-copies.js'
import { stageProgress, type Watch } from './progress.js'
import { inSessionScope } from './session-scope.js'
import { foldsOf, requireImages } from './split.js'

export interface SuspicionOptions extends Watch {
  /** Images that are meant to be good. */
  readonly samples: readonly Sample[]
  readonly encoder: EncoderModel
  readonly runtime: Runtime
  /** Parts that the images are judged in, each by what was learned from the others; 5 when absent. */
  readonly folds?: number
}

/** How badly one image fits the others, and why. */
export interface Suspicion {
  /** In the list of samples. */
  readonly index: number
  readonly id: string
  /** Robust deviations of the images' scores that its own lies above their median. */
  readonly deviations: number
  /** Whether it lies apart from the others, rather than being merely the worst of them. */
  readonly standsOut: boolean
  /** Where it fits worst, in pixels of the image from its upper left corner. */
  readonly at: { readonly x: number; readonly y: number }
  /** The scale that finds it most unusual there: its tap, or what is said of all of them, and input pixels per position. */
  readonly scale: { readonly tap: string; readonly stride: number }
}

/** Deviations above the median from which on an image stands out: one good image in several hundred does. */
const apart = 3
/** The same in the first round, where bad images are among those that are learned from and hide one another. */
const doubtful = 1.25
/** Share of the images that the second round does without at most. */
const doubtfulShare = 0.25

/**
 * Images that are meant to be good, in the order of how badly they fit the others, the worst first: every one is judged by a
 * detector that was learned without it (whitened features and a memory, no pass). In a second round nothing is learned from
 * the worst of the first, so that bad images do not vouch for each other. What is far from the median in units of the
 * spread of the others, which a minority of bad images does not move, stands out.
 * @throws CflowError TOO_FEW_IMAGES below five, IMAGE and what the runtime throws
 */
export async function rankSuspicious(options: SuspicionOptions): Promise<readonly Suspicion[]> {
  requireImages(options.samples, 'compare', 'one image is judged by the others: give more of them')
  return inSessionScope(options.runtime, (runtime) => rankWith(runtime, options))
}

async function rankWith(
  runtime: Runtime,
  { samples, encoder: given, folds: count = 5, ...watch }: SuspicionOptions,
): Promise<readonly Suspicion[]> {
  const config = resolveConfig({ passes: 0, couplingLayers: 1, remembered: 1000 })
  const extraction = cflow.prepare(config, given, samples.length)
  const { encoder = given } = extraction
  const sizes: { readonly width: number; readonly height: number }[] = []
  const measured = samples.map((sample, i): Sample => {
    const load = async () => {
      const image = await sample.load()
      sizes[i] = { width: image.width, height: image.height }
      return image
    }
    return { ...sample, load }
  })
  const pixels = await pixelCache(runtime, measured, encoder)
  const features = await featureCache(runtime, pixels, encoder, extraction)
  const facts = await pixels.read(stageProgress('read', samples.length, watch))
  // a copy of a bad image would vouch for it
  const folds = foldsOf(await partsOf(runtime, samples, facts), count)
  if (folds.length < 2)
    throw new CflowError('TOO_FEW_IMAGES', 'all images are of one sequence', {
      hint: 'frames of several videos, or single images, can be compared',
    })

  const judge = async (without: ReadonlySet<number>): Promise<readonly Judged[]> => {
    const options = { config, encoder, apart: without, stage: 'suspicious' as const, ...watch, finish: undefined } // prettier-ignore
    const { judged, head } = await judgeFolds(runtime, cflow, options, pixels, features, folds)
    const found = foundIn(judged)
    const kept = (images: readonly Float32Array[]) => images.filter((_, i) => !without.has(i))
    const scales = [...found.values()].map(({ images }, k) =>
      statisticsOf(depthOf(k), kept(images)),
    )
    const results: Judged[] = []
    for await (const { map, score } of verdictsOf(
      runtime,
      head,
      found,
      encoder.inputSize,
      scales,
    )) {
      const peak = map.reduce((best, v, i) => (v > (map[best] as number) ? i : best), 0)
      results.push({
        score,
        peak,
        scale: unusualScale(found, scales, results.length, peak, encoder.inputSize),
      })
    }
    return results
  }
  const depthOf = (k: number) => encoder.taps[k]?.channels ?? 1
  const first = deviationsOf((await judge(new Set())).map((j) => j.score))
  const order = [...samples.keys()].sort((a, b) => first[b]! - first[a]!)
  const most = Math.floor(doubtfulShare * samples.length)
  const worst = new Set(order.slice(0, most).filter((i) => first[i]! > doubtful))
  const judged = await judge(worst)
  const deviations = deviationsOf(judged.map((j) => j.score))
  const { inputSize: size } = encoder
  return judged
    .map(({ peak, scale }, index): Suspicion => {
      const tap = encoder.taps[scale]
      const { width, height } = sizes[index] ?? { width: size, height: size }
      return {
        index,
        id: (samples[index] as Sample).id,
        deviations: deviations[index] as number,
        standsOut: (deviations[index] as number) > apart,
        at: {
          x: Math.floor(((peak % size) + 0.5) * (width / size)),
          y: Math.floor((Math.floor(peak / size) + 0.5) * (height / size)),
        },
        scale: {
          tap: tap?.name ?? memoryName,
          stride: tap?.stride ?? (encoder.taps[0]?.stride as number),
        },
      }
    })
    .sort((a, b) => b.deviations - a.deviations || a.index - b.index)
}

/** What the scale that is no tap is called. */
const memoryName = 'memory'

interface Judged {
  readonly score: number
  /** Index y·S + x of the highest pixel of its map. */
  readonly peak: number
  /** Of the evidence, the one that is lowest there. */
  readonly scale: number
}

/** The scale whose likelihood at a pixel is the most deviations below its mean. */
function unusualScale(
  found: Found,
  scales: readonly ScaleStatistics[],
  image: number,
  peak: number,
  size: number,
): number {
  const [px, py] = [peak % size, Math.floor(peak / size)]
  const unusual = [...found.values()].map(({ shape, images }, k) => {
    const [, height, width] = shape as readonly [number, number, number]
    const at = (p: number, n: number) => Math.round((p * (n - 1)) / (size - 1))
    const l = images[image]?.[at(py, height) * width + at(px, width)] as number
    const { mean, deviation } = scales[k] as ScaleStatistics
    return (mean - l) / deviation
  })
  return unusual.reduce((best, v, k) => (v > (unusual[best] as number) ? k : best), 0)
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const half = sorted.length / 2
  return (sorted[Math.floor(half)]! + sorted[Math.ceil(half) - 1]!) / 2
}

/** Median absolute deviations of a normal distribution in one standard deviation. */
const perDeviation = 1.4826

/** How far every value lies above the median, in robust standard deviations of the upper half. */
function deviationsOf(scores: readonly number[]): number[] {
  const middle = median(scores)
  const spread = perDeviation * median(scores.flatMap((s) => (s >= middle ? [s - middle] : [])))
  const unit = Math.max(spread, 1e-9 * Math.abs(middle), Number.MIN_VALUE)
  return scores.map((s) => (s - middle) / unit)
}

/**
 * Which images a training does without: of those that stand out the worst, at most a share of all.
 * @param rate of the images, at most
 */
export async function suspects(
  options: SuspicionOptions & { readonly rate: number },
): Promise<readonly Suspicion[]> {
  const { rate, ...about } = options
  const most = Math.floor(rate * about.samples.length)
  if (most === 0) return []
  return (await rankSuspicious(about)).slice(0, most).filter((s) => s.standsOut)
}

/** Why an image is suspicious, for people. */
export function suspicionText({ deviations, at, scale }: Suspicion): string {
  const what =
    scale.tap === memoryName ? 'like nothing in them' : `at the scale of ${scale.stride} pixels`
  return `${deviations.toFixed(1)} deviations from the others, most at x ${at.x}, y ${at.y}, ${what}`
}

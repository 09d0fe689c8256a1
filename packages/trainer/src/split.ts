import { CflowError, Random } from '@cflow/base'
import type { Sample } from '@cflow/datasets'
import type { TrainConfig } from '@cflow/methods'

/** Good images below which nothing sensible can be learned or calibrated. */
const minimumImages = 5

/**
 * @param purpose what they are for, in words
 * @throws CflowError TOO_FEW_IMAGES
 */
export function requireImages(samples: readonly Sample[], purpose: string, hint: string): void {
  const count = samples.length
  if (count >= minimumImages) return
  throw new CflowError(
    'TOO_FEW_IMAGES',
    `${count} good image${count === 1 ? '' : 's'} to ${purpose}, ${minimumImages} are the least`,
    { hint },
  )
}

/** Indices of images in the list of samples, ascending. */
export interface Split {
  readonly training: number[]
  readonly heldOut: number[]
}

/**
 * Which images are trained on and which are kept to calibrate with: the same for the same seed and number. Of images
 * that belong to sequences, such as videos, whole sequences are kept out, where there are several: neighbours in one are
 * nearly the same image.
 */
export function splitHeldOut(
  samples: readonly Pick<Sample, 'sequence'>[],
  config: { readonly heldOut: number; readonly seed: number },
): Split {
  const count = samples.length
  const sequences = sequencesOf(samples)
  const wanted = Math.max(Math.round(count * config.heldOut), Math.min(3, count - 3))
  const n = config.heldOut === 0 ? 0 : wanted
  const random = Random.seeded(config.seed, 'held out')
  if (n > 0 && sequences) return splitSequences(n, sequences, random)
  const order = Array.from(random.permutation(count))
  const ascending = (a: number, b: number) => a - b
  return { heldOut: order.slice(0, n).sort(ascending), training: order.slice(n).sort(ascending) }
}

/** The sequence of every image, where all belong to one and there are several: whole ones are kept together then. */
function sequencesOf(samples: readonly Pick<Sample, 'sequence'>[]): readonly string[] | undefined {
  const sequences = samples.flatMap(({ sequence }) => (sequence === undefined ? [] : [sequence]))
  return sequences.length === samples.length && new Set(sequences).size > 1 ? sequences : undefined
}

/** How a detector is calibrated. */
export type CalibrationPlan =
  | { readonly source: 'held-out' | 'training'; readonly training: number[]; readonly heldOut: number[] } // prettier-ignore
  | { readonly source: 'folds'; readonly folds: readonly (readonly number[])[] }

/** Few images are missed more by those who learn without them, and cost less; of many, three trainings say enough. */
const foldCount = (images: number, folds: number): number =>
  images < 20 ? 2 * folds : images < 50 ? folds : Math.min(folds, 3)

/**
 * With which images a detector is calibrated: with those that are held out where they are enough for a conformal quantile at
 * the rate, n ≥ 1/α − 1; else with all, in folds.
 * @param options.copies true where a sequence is an image and its near copies, which count as one
 */
export function calibrationPlan(
  samples: readonly Pick<Sample, 'sequence'>[],
  config: Pick<TrainConfig, 'heldOut' | 'seed' | 'folds' | 'falsePositiveRate'>,
  { copies = false } = {},
): CalibrationPlan {
  const split = splitHeldOut(samples, config)
  if (split.heldOut.length === 0) return { source: 'training', ...split }
  const sequences = copies ? sequencesOf(samples) : undefined
  const kept = new Set(split.heldOut.map((i) => sequences?.[i] ?? i)).size
  if (config.folds === 0 || kept >= 1 / config.falsePositiveRate - 1)
    return { source: 'held-out', ...split }
  const folds = foldsOf(samples, foldCount(samples.length, config.folds))
  return folds.length < 2 ? { source: 'held-out', ...split } : { source: 'folds', folds }
}

/**
 * Parts of the images, of neighbours in the list: photographs that were taken one after the other are alike, and those that
 * judge must not be like those that are learned from. Of sequences, whole ones.
 */
export function foldsOf(samples: readonly Pick<Sample, 'sequence'>[], count: number): number[][] {
  const sequences = sequencesOf(samples)
  const names = [...new Set(sequences)]
  const parts = sequences ? names.length : samples.length
  const folds = Array.from({ length: Math.min(count, parts) }, (): number[] => [])
  for (const i of samples.keys()) {
    const part = sequences ? names.indexOf(sequences[i] as string) : i
    folds[Math.floor((part * folds.length) / parts)]?.push(i)
  }
  return folds
}

/** Number of the training images that decide where a training in passes stops, and training images from which on. */
const validation = { least: 70, images: 8 } as const

/**
 * Training images that are not learned from but decide where to stop, evenly spread, with those that are like them; none of few.
 * @param groups of all images (`nearCopies`)
 */
export function splitValidation(
  training: readonly number[],
  groups?: readonly number[],
): { readonly training: number[]; readonly validation: number[] } {
  const { least, images } = validation
  const asked = training.length < least ? [] : evenly(training, images)
  const like = new Set(asked.map((i) => groups?.[i] ?? i))
  const alike = training.filter((i) => like.has(groups?.[i] ?? i))
  // where they would take too much of what is learned from, they are not all different anyway
  const chosen = new Set(2 * alike.length > training.length ? asked : alike)
  return {
    training: training.filter((i) => !chosen.has(i)),
    validation: training.filter((i) => chosen.has(i)),
  }
}

/** Whole sequences in random order until there are n images, and one is left to train on. */
function splitSequences(n: number, sequences: readonly string[], random: Random): Split {
  const names = [...new Set(sequences)]
  const kept = new Set<string>()
  let images = 0
  for (const i of random.permutation(names.length)) {
    if (images >= n || kept.size === names.length - 1) break
    const name = names[i] as string
    kept.add(name)
    images += sequences.filter((s) => s === name).length
  }
  const heldOut = sequences.flatMap((s, i) => (kept.has(s) ? [i] : []))
  const training = sequences.flatMap((s, i) => (kept.has(s) ? [] : [i]))
  return { heldOut, training }
}

/** At most so many indices, evenly spread over all. */
export function evenly(indices: readonly number[], max: number): readonly number[] {
  if (indices.length <= max) return indices
  return Array.from(
    { length: max },
    (_, i) => indices[Math.floor((i * indices.length) / max)] as number,
  )
}

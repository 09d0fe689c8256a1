import { CflowError } from '@cflow/base'
import type { Sample } from '@cflow/datasets'
import { evenly, foldsOf, splitHeldOut } from '../split.js'

/** Good images below which nothing can be tuned: what is left to train on would be too little. */
const leastImages = 8
/** Good images below which every image is held out once, in folds. */
const few = 40
const foldCount = 3
/** Images of folds from which on a round with one of them comes first, and the time that is over after it. */
const oneFold = { from: 20, until: 0.5 } as const
/** Of more images: the share that is held out, and how many at least and at most. */
const heldOut = { share: 0.2, least: 8, most: 24 } as const

/** Images of one training and of its trials, by their indices. */
export interface Part {
  readonly training: readonly number[]
  readonly heldOut: readonly number[]
}

/** What a round of a tuning is done with, and the share of the time that is over after it. */
export interface Round {
  readonly parts: readonly Part[]
  readonly until: number
}

/** Training images and held-out images of the rounds before the last, and from how many training images on there is one. */
const earlier = [
  { training: 40, heldOut: 16, from: 60, until: 0.6 },
  { training: 100, heldOut: 24, from: 150, until: 0.8 },
] as const

/** @throws CflowError TOO_FEW_IMAGES */
export function requireTunable({ length }: { readonly length: number }): void {
  if (length < leastImages)
    throw new CflowError('TOO_FEW_IMAGES', `${length} good images to tune with, ${leastImages} are the least`, { hint: 'train with the recipe as it is, or add good images' }) // prettier-ignore
}

/** Whether there is enough to train on and to try on. */
const isUsable = (parts: readonly Part[]): boolean =>
  parts.every(({ training, heldOut }) => training.length >= 5 && heldOut.length >= 2)

/**
 * The rounds of a tuning by successive halving: many candidates with few images, few candidates with all.
 * @throws CflowError TOO_FEW_IMAGES
 */
export function roundsOf(
  samples: readonly Pick<Sample, 'sequence'>[],
  seed: number,
): readonly Round[] {
  requireTunable(samples)
  const count = samples.length
  const split = (of: readonly Pick<Sample, 'sequence'>[]) =>
    count < few ? inFolds(of) : [heldOutOnce(of, seed)]
  const apart = split(samples)
  // of a few large groups little is left to train on or to try on
  const all = isUsable(apart) ? apart : split(samples.map(() => ({})))
  if (all.length > 1 && count >= oneFold.from)
    return [
      { parts: all.slice(0, 1), until: oneFold.until },
      { parts: all, until: 1 },
    ]
  const before = earlier.filter(({ from }) => (all[0]?.training.length ?? 0) >= from)
  return [
    ...before.map(({ training, heldOut, until }) => ({
      parts: all.map((part) => ({
        training: evenly(part.training, training),
        heldOut: evenly(part.heldOut, heldOut),
      })),
      until,
    })),
    { parts: all, until: 1 },
  ]
}

function inFolds(samples: readonly Pick<Sample, 'sequence'>[]): readonly Part[] {
  const folds = foldsOf(samples, foldCount)
  if (folds.length < 2) return [heldOutOnce(samples, 0)]
  return folds.map((fold) => ({
    training: folds.flatMap((other) => (other === fold ? [] : other)).sort((a, b) => a - b),
    heldOut: fold,
  }))
}

function heldOutOnce(samples: readonly Pick<Sample, 'sequence'>[], seed: number): Part {
  const count = samples.length
  const wanted = Math.min(heldOut.most, Math.max(heldOut.least, Math.round(heldOut.share * count)))
  const split = splitHeldOut(samples, { heldOut: Math.min(wanted / count, 0.4), seed })
  return { training: split.training, heldOut: evenly(split.heldOut, heldOut.most) }
}

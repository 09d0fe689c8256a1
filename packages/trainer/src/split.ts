import { CflowError, Random } from '@cflow/base'
import type { Sample } from '@cflow/datasets'

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
  const sequences = samples.map((s) => s.sequence)
  const wanted = Math.max(Math.round(count * config.heldOut), Math.min(3, count - 3))
  const n = config.heldOut === 0 ? 0 : wanted
  const random = Random.seeded(config.seed, 'held out')
  const names = new Set(sequences)
  const order =
    n > 0 && names.size > 1 && !names.has(undefined)
      ? undefined
      : Array.from(random.permutation(count))
  const ascending = (a: number, b: number) => a - b
  if (order)
    return { heldOut: order.slice(0, n).sort(ascending), training: order.slice(n).sort(ascending) }
  return splitSequences(n, sequences as readonly string[], random)
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

import { Random } from '@cflow/base'
import type { Sample } from '@cflow/datasets'
import type { TrainConfig } from './config.js'

/** Places of images in the list of samples, ascending. */
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
  config: Pick<TrainConfig, 'heldOut' | 'seed'>,
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

/** At most so many places, evenly spread over all. */
export function evenly(places: readonly number[], most: number): readonly number[] {
  if (places.length <= most) return places
  return Array.from(
    { length: most },
    (_, i) => places[Math.floor((i * places.length) / most)] as number,
  )
}

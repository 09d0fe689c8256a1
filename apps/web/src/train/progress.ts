import type { TrainingProgress } from '../worker/train.js'
import { duration } from '../ui/format.js'

type Stage = TrainingProgress['stage']

/** How the time of a training divides, roughly: to show one bar for all of it. */
const parts: readonly (readonly [Stage, share: number])[] = [
  ['check', 0.02],
  ['read', 0.05],
  ['folds', 0.63],
  ['encode', 0.05],
  ['train', 0.2],
  ['calibrate', 0.05],
]

const words: Readonly<Record<Stage, string>> = {
  tune: 'Choosing the settings',
  suspicious: 'Comparing the images',
  decode: 'Decoding the videos',
  check: 'Checking the images',
  read: 'Reading the images',
  encode: 'Looking at the images',
  whiten: 'Preparing',
  folds: 'Judging every image by what the others teach',
  select: 'Choosing what to remember',
  train: 'Learning what is normal',
  calibrate: 'Finding the threshold',
  evaluate: 'Testing',
}

/** Share of the whole training that is done, 0 to 1. */
export function shareDone({ stage, done, total }: TrainingProgress): number {
  let before = 0
  for (const [name, share] of parts) {
    if (name === stage) return before + share * Math.min(1, done / Math.max(total, 1))
    before += share
  }
  return 0
}

/**
 * Seconds left of the whole training, from the time that it has taken and the share that is done: stages differ in their speed, so
 * that what one of them says of the rest would jump. Undefined until enough is done.
 * @param now milliseconds
 */
export function timeLeft(now: () => number = () => performance.now()) {
  const least = 0.07
  let began: number | undefined
  let held: number | undefined
  let last: { left: number; at: number } | undefined
  return {
    /** Time that it is stopped does not count. */
    hold: () => void (held ??= now()),
    goOn() {
      const away = held === undefined ? 0 : now() - held
      held = undefined
      if (began !== undefined) began += away
      if (last) last = { ...last, at: last.at + away }
    },
    of(share: number): number | undefined {
      const at = now()
      began ??= at
      if (share < least) return undefined
      const plain = ((at - began) / 1000) * (1 / Math.min(share, 1) - 1)
      const expected = last ? Math.max(0, last.left - (at - last.at) / 1000) : plain
      // towards the end what is left is known
      const left = expected + Math.max(0.1, share ** 4) * (plain - expected)
      last = { left, at }
      return left
    },
  }
}

/** @param left seconds */
export function progressText({ stage, done, total }: TrainingProgress, left?: number): string {
  const what =
    stage === 'train'
      ? `pass ${Math.min(Math.floor(done) + 1, total)} of ${total}`
      : `${Math.floor(done)} of ${total}`
  return `${words[stage]}: ${what}${left === undefined ? '' : `, about ${duration(left)} left`}`
}

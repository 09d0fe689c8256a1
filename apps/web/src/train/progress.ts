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

/** Seconds left of the whole training, from the rate of this stage; undefined until it is known. */
export function secondsLeft(progress: TrainingProgress): number | undefined {
  const left = progress.secondsLeft
  if (left === undefined || progress.stage === 'read' || progress.stage === 'check')
    return undefined
  const done = shareDone(progress)
  const rest = shareDone({ ...progress, done: progress.total }) - done
  // what comes after this stage takes as much longer as its share is larger
  return rest > 0.01 ? (left * (1 - done)) / rest : left + 1
}

export function progressText(progress: TrainingProgress): string {
  const { stage, done, total } = progress
  const left = secondsLeft(progress)
  const what =
    stage === 'train'
      ? `pass ${Math.min(Math.floor(done) + 1, total)} of ${total}`
      : `${Math.floor(done)} of ${total}`
  return `${words[stage]}: ${what}${left === undefined ? '' : `, about ${duration(left)} left`}`
}

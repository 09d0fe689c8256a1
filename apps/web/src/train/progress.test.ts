import { expect, it } from 'vitest'
import type { TrainingProgress } from '../worker/train.js'
import { progressText, shareDone, timeLeft } from './progress.js'

const stages = ['check', 'read', 'folds', 'encode', 'train', 'calibrate'] as const

it('the bar only moves forward, from 0 to 1', () => {
  const shares = stages.flatMap((stage) =>
    [0, 1, 2, 3, 4].map((done) => shareDone({ stage, done, total: 4 })),
  )
  expect(shares).toEqual([...shares].sort((a, b) => a - b))
  expect(shares[0]).toBe(0)
  expect(shares.at(-1)).toBeCloseTo(1)
})

it('the time left counts down, without jumps, and not while it is stopped', () => {
  let clock = 0
  const left = timeLeft(() => clock)
  expect(left.of(0)).toBeUndefined()
  // a slow stage and a quick one: 30 s for the first half, 10 s for the rest
  const told: number[] = []
  for (let s = 1; s <= 40; s++) {
    clock += 1000
    if (s === 20) {
      left.hold()
      clock += 60_000
      left.goOn()
    }
    const now = left.of(s <= 30 ? s / 60 : 0.5 + (s - 30) / 20)
    if (now !== undefined) told.push(now)
  }
  for (let i = 1; i < told.length; i++) expect(told[i]! - told[i - 1]!).toBeLessThan(2)
  expect(told.at(-1)).toBeLessThan(5)
  const progress: TrainingProgress = { stage: 'train', done: 2, total: 4 }
  expect(progressText(progress, 10)).toBe('Learning what is normal: pass 3 of 4, about 10 s left')
})

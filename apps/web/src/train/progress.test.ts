import { expect, it } from 'vitest'
import type { TrainingProgress } from '../worker/train.js'
import { progressText, secondsLeft, shareDone } from './progress.js'

const stages = ['check', 'read', 'folds', 'encode', 'train', 'calibrate'] as const

it('the bar only moves forward, from 0 to 1', () => {
  const shares = stages.flatMap((stage) =>
    [0, 1, 2, 3, 4].map((done) => shareDone({ stage, done, total: 4 })),
  )
  expect(shares).toEqual([...shares].sort((a, b) => a - b))
  expect(shares[0]).toBe(0)
  expect(shares.at(-1)).toBeCloseTo(1)
})

it('the time left counts what follows the stage', () => {
  const progress: TrainingProgress = { stage: 'train', done: 2, total: 4, secondsLeft: 10 }
  expect(secondsLeft(progress)).toBeGreaterThan(10)
  expect(progressText(progress)).toMatch(/pass 3 of 4, about \d+ s left/)
  expect(secondsLeft({ stage: 'read', done: 1, total: 9, secondsLeft: 3 })).toBeUndefined()
})

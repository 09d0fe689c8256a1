import { expect, it } from 'vitest'
import { chooseExamples } from './choose-examples.js'
import type { Judged } from './input.js'

const image = (label: Judged['label'], score: number): Judged => ({
  id: `${label} ${score}`,
  label,
  defect: label,
  score,
  threshold: 10,
  anomalous: score > 10,
  pValue: NaN,
})
const at = (threshold: number, images: readonly Judged[]): readonly Judged[] =>
  images.map((i) => ({ ...i, threshold, anomalous: i.score > threshold }))
const scores = [
  ...[1, 2, 3, 9, 14].map((s) => image('good', s)),
  ...[6, 11, 15, 20, 40, 50].map((s) => image('anomalous', s)),
]

const chosen = (from: readonly Judged[], max: number) => {
  const groups: Record<string, string[]> = {}
  for (const { index, group } of chooseExamples(from, max))
    (groups[group] ??= []).push(from[index]!.id)
  return groups
}

it('shows every mistake, high scores of defects as best, and those near the threshold', () => {
  expect(chosen(scores, 2)).toEqual({
    mistake: ['anomalous 6', 'good 14'],
    best: ['anomalous 50', 'anomalous 40'],
    doubtful: ['good 9', 'anomalous 11'],
  })
})

it('shows many mistakes of both kinds, the farthest from the threshold first, and a mistake as nothing else', () => {
  const missed = Array.from({ length: 90 }, (_, i) => image('anomalous', i / 10))
  const alarms = Array.from({ length: 3 }, (_, i) => image('good', 11 + i))
  const groups = chosen([...missed, ...alarms], 6)
  expect(Object.keys(groups)).toEqual(['mistake'])
  expect(groups['mistake']).toHaveLength(48)
  expect(groups['mistake']?.[0]).toBe('anomalous 0')
  expect(groups['mistake']?.slice(-3)).toEqual(['good 13', 'good 12', 'good 11'])
})

it('shows no image twice, and all groups of a small set', () => {
  const choices = chooseExamples(scores)
  expect(new Set(choices.map((c) => c.index)).size).toBe(choices.length)
  expect(choices.length).toBeGreaterThanOrEqual(scores.length - 1)
  const few = chosen(at(2, [image('good', 1), image('anomalous', 5), image('anomalous', 3)]), 6)
  expect(few).toEqual({ best: ['anomalous 5'], doubtful: ['good 1'] })
})

it('takes images without a known truth for good ones', () => {
  const unknown = [1, 2, 3, 4, 5, 6].map((s) => image('unknown', s))
  expect(chosen(at(3.4, unknown), 2)).toEqual({
    worst: ['unknown 6', 'unknown 5'],
    best: ['unknown 1', 'unknown 2'],
    doubtful: ['unknown 3', 'unknown 4'],
  })
  expect(chooseExamples([])).toEqual([])
})

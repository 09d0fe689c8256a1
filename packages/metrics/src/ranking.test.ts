import fc from 'fast-check'
import { expect, it } from 'vitest'
import { labelledScores, twoClasses } from '../test/arbitraries.js'
import { counts, thresholdsOf } from '../test/brute-force.js'
import { auroc, averagePrecision, confusionAt, f1Max } from './index.js'

it('AUROC is the share of pairs in order, ties half', () => {
  fc.assert(
    fc.property(twoClasses, ({ scores, labels }) => {
      const anomalous = [...scores].filter((_, i) => labels[i])
      const normal = [...scores].filter((_, i) => !labels[i])
      let pairs = 0
      for (const a of anomalous) for (const n of normal) pairs += a > n ? 1 : a === n ? 0.5 : 0
      const expected = pairs / (anomalous.length * normal.length)
      expect(auroc(scores, labels)).toBeCloseTo(expected, 12)
      expect(auroc(Float64Array.from(scores), labels)).toBeCloseTo(expected, 12)
      expect(auroc([...scores], Uint8Array.from(labels, Number))).toBeCloseTo(expected, 12)
    }),
  )
})

it('AUROC does not change under an increasing map and turns over under a decreasing one', () => {
  fc.assert(
    fc.property(twoClasses, ({ scores, labels }) => {
      const value = auroc(scores, labels)
      const descending = thresholdsOf(scores)
      const ranks = Array.from(scores, (s) => -descending.indexOf(s + 0))
      expect(auroc(ranks, labels)).toBe(value)
      expect(f1Max(ranks, labels).f1).toBe(f1Max(scores, labels).f1)
      expect(
        auroc(
          scores.map((s) => -s),
          labels,
        ),
      ).toBeCloseTo(1 - value, 12)
    }),
  )
})

it('average precision is the sum over thresholds', () => {
  fc.assert(
    fc.property(twoClasses, ({ scores, labels }) => {
      const positives = labels.filter(Boolean).length
      let expected = 0
      let recall = 0
      for (const threshold of thresholdsOf(scores)) {
        const { tp, fp } = counts(scores, labels, threshold)
        expected += (tp / positives - recall) * (tp / (tp + fp))
        recall = tp / positives
      }
      expect(averagePrecision(scores, labels)).toBeCloseTo(expected, 12)
    }),
  )
})

it('the best F1 is the largest over all thresholds and is reached at its threshold', () => {
  fc.assert(
    fc.property(twoClasses, ({ scores, labels }) => {
      const positives = labels.filter(Boolean).length
      const all = thresholdsOf(scores).map((threshold) => {
        const { tp, fp } = counts(scores, labels, threshold)
        return (2 * tp) / (tp + fp + positives)
      })
      const best = f1Max(scores, labels)
      expect(best.f1).toBe(Math.max(...all))
      const at = confusionAt(scores, labels, best.threshold)
      expect(at.precision).toBe(best.precision)
      expect(at.recall).toBe(best.recall)
      expect((2 * at.tp) / (2 * at.tp + at.fp + at.fn)).toBe(best.f1)
    }),
  )
})

it('the confusion matrix counts every score once', () => {
  fc.assert(
    fc.property(labelledScores, fc.float({ noNaN: true }), ({ scores, labels }, threshold) => {
      const { tp, fp, tn, fn, accuracy } = confusionAt(scores, labels, threshold)
      expect({ tp, fp }).toEqual(counts(scores, labels, threshold))
      expect(tp + fn).toBe(labels.filter(Boolean).length)
      expect(tp + fp + tn + fn).toBe(scores.length)
      expect(accuracy).toBe((tp + tn) / scores.length)
    }),
  )
})

it('is NaN where a class that the metric needs is absent', () => {
  for (const labels of [[], [0, 0], [1, 1]]) {
    const scores = labels.map((_, i) => i)
    expect(auroc(scores, labels)).toBeNaN()
  }
  expect(averagePrecision([1, 2], [0, 0])).toBeNaN()
  expect(f1Max([1, 2], [0, 0])).toEqual({ f1: NaN, threshold: NaN, precision: NaN, recall: NaN })
  expect(confusionAt([1, 2], [0, 0], 3).precision).toBeNaN()
  expect(averagePrecision([1, 2], [1, 1])).toBe(1)
  expect(f1Max([1, 2], [1, 1])).toEqual({ f1: 1, threshold: 1, precision: 1, recall: 1 })
})

it('constant scores are worth a coin flip', () => {
  expect(auroc([5, 5, 5], [0, 1, 0])).toBe(0.5)
  expect(averagePrecision([5, 5, 5, 5], [0, 1, 0, 0])).toBe(0.25)
})

it('ends with an error for what is no number, or no label', () => {
  const metrics = [
    auroc,
    averagePrecision,
    f1Max,
    (s: number[], l: number[]) => confusionAt(s, l, 1),
  ]
  const rejects = (scores: unknown, labels: unknown, message: string) => {
    for (const metric of metrics)
      expect(() => metric(scores as number[], labels as number[])).toThrow(new RangeError(message))
  }
  for (const wrong of [undefined, null, 'high', 1n, {}]) {
    rejects([0.1, wrong], [0, 1], `score 1 is no number: ${String(wrong)}`)
    rejects([0.1, 0.2], [wrong, 1], `label 0 is no number: ${String(wrong)}`)
  }
  rejects([0.1, , 3], [0, 1, 1], 'score 1 is no number: undefined')
  rejects([0.1, 0.2], [0, NaN], 'label 1 is NaN')
  expect(auroc([0.1, 0.2, Infinity, -Infinity], [false, true, true, false])).toBe(1)
})

it('rejects NaN and lengths that differ', () => {
  for (const metric of [auroc, averagePrecision, f1Max]) {
    expect(() => metric([1, NaN], [0, 1])).toThrow(new RangeError('score 1 is NaN'))
    expect(() => metric([1, 2], [0])).toThrow('labels must have 2 elements (one per score), got 1')
  }
  expect(() => confusionAt([1], [1], NaN)).toThrow(new RangeError('the threshold is NaN'))
})

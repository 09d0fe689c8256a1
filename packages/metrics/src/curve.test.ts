import fc from 'fast-check'
import { expect, it } from 'vitest'
import { twoClasses } from '../test/arbitraries.js'
import { counts, thresholdsOf } from '../test/brute-force.js'
import { auroc, averagePrecision, prCurve, rocCurve } from './index.js'

it('the ROC curve has every threshold and its area is the AUROC', () => {
  fc.assert(
    fc.property(twoClasses, ({ scores, labels }) => {
      const { fpr, tpr, thresholds } = rocCurve(scores, labels)
      expect([...thresholds].map((t) => t + 0)).toEqual([Infinity, ...thresholdsOf(scores)])
      let area = 0
      for (let i = 1; i < fpr.length; i++)
        area += ((fpr[i]! - fpr[i - 1]!) * (tpr[i]! + tpr[i - 1]!)) / 2
      expect(area).toBeCloseTo(auroc(scores, labels), 12)
    }),
  )
})

it('the precision–recall curve has every threshold and sums to the average precision', () => {
  fc.assert(
    fc.property(twoClasses, ({ scores, labels }) => {
      const { recall, precision, thresholds } = prCurve(scores, labels)
      expect([...thresholds].map((t) => t + 0)).toEqual([Infinity, ...thresholdsOf(scores)])
      let sum = 0
      for (let i = 1; i < recall.length; i++) sum += (recall[i]! - recall[i - 1]!) * precision[i]!
      expect(sum).toBeCloseTo(averagePrecision(scores, labels), 12)
    }),
  )
})

it('thinned curves keep to maxPoints, to the exact curve, and to both ends', () => {
  fc.assert(
    fc.property(twoClasses, fc.integer({ min: 2, max: 20 }), ({ scores, labels }, maxPoints) => {
      const positives = labels.filter(Boolean).length
      const roc = rocCurve(scores, labels, maxPoints)
      const pr = prCurve(scores, labels, maxPoints)
      expect(roc.fpr.length).toBeLessThanOrEqual(maxPoints)
      expect(pr.recall.length).toBeLessThanOrEqual(maxPoints)
      expect([roc.fpr[0], roc.tpr[0], roc.fpr.at(-1), roc.tpr.at(-1)]).toEqual([0, 0, 1, 1])
      expect([pr.recall[0], pr.precision[0], pr.recall.at(-1)]).toEqual([0, 1, 1])
      for (let i = 1; i < roc.fpr.length; i++) {
        const { tp, fp } = counts(scores, labels, roc.thresholds[i]!)
        expect(roc.tpr[i]).toBe(tp / positives)
        expect(roc.fpr[i]).toBe(fp / (labels.length - positives))
      }
      for (let i = 1; i < pr.recall.length; i++) {
        const { tp, fp } = counts(scores, labels, pr.thresholds[i]!)
        expect(pr.recall[i]).toBe(tp / positives)
        expect(pr.precision[i]).toBe(tp / (tp + fp))
      }
    }),
  )
})

it('stays small and has NaN rates when a class is absent', () => {
  const scores = Float32Array.from({ length: 500 }, (_, i) => i)
  const normalOnly = rocCurve(scores, new Uint8Array(500), 10)
  expect(normalOnly.fpr.length).toBeLessThanOrEqual(10)
  expect(normalOnly.tpr.every(Number.isNaN)).toBe(true)
  const anomalousOnly = rocCurve(scores, new Uint8Array(500).fill(1), 10)
  expect(anomalousOnly.fpr.every(Number.isNaN)).toBe(true)
  expect(anomalousOnly.fpr.length).toBeLessThanOrEqual(10)
  const pr = prCurve(scores, new Uint8Array(500), 10)
  expect(pr.recall.length).toBeLessThanOrEqual(10)
  expect(pr.recall.every(Number.isNaN)).toBe(true)
  expect(rocCurve([], []).fpr.length).toBe(1)
})

it('rejects fewer than two points', () => {
  expect(() => rocCurve([1], [1], 1)).toThrow('maxPoints must be an integer of at least 2, got 1')
  expect(() => prCurve([1], [1], 2.5)).toThrow(RangeError)
})

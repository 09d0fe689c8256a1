import fc from 'fast-check'
import { expect, it } from 'vitest'
import { twoClasses } from '../test/arbitraries.js'
import { scoreHistogram } from './index.js'

it('has densities that integrate to one in both classes', () => {
  fc.assert(
    fc.property(twoClasses, fc.integer({ min: 1, max: 12 }), ({ scores, labels }, bins) => {
      fc.pre(scores.every(Number.isFinite))
      const { edges, normal, anomalous } = scoreHistogram(scores, labels, { bins })
      expect(edges.length).toBe(bins + 1)
      for (const density of [normal, anomalous]) {
        const area = density.reduce((sum, d, i) => sum + d * (edges[i + 1]! - edges[i]!), 0)
        expect(area).toBeCloseTo(1, 9)
      }
    }),
  )
})

it('puts scores into their bins, the highest into the last, and leaves out those outside', () => {
  const scores = [0, 1, 1.5, 4, 3, 9]
  const labels = [0, 0, 0, 0, 1, 1]
  expect(scoreHistogram(scores, labels, { bins: 4, range: [0, 4] })).toEqual({
    edges: Float64Array.of(0, 1, 2, 3, 4),
    normal: Float64Array.of(0.25, 0.5, 0, 0.25),
    anomalous: Float64Array.of(0, 0, 0, 1),
  })
})

it('copes with one value and with none, and rejects what is not finite', () => {
  const one = scoreHistogram([2, 2], [0, 1], { bins: 2 })
  expect([...one.edges]).toEqual([1.5, 2, 2.5])
  expect([...one.normal]).toEqual([0, 2])
  const huge = scoreHistogram([-1e20, -1e20], [0, 1], { bins: 2 })
  expect(huge.edges[2]! - huge.edges[0]!).toBeGreaterThan(0)
  expect([...scoreHistogram([], [], { bins: 2 }).normal]).toEqual([0, 0])
  expect(() => scoreHistogram([0, Infinity], [0, 1])).toThrow(RangeError)
  expect(() => scoreHistogram([0], [0], { range: [1, 1] })).toThrow('1 to 1')
  expect(() => scoreHistogram([0], [0], { bins: 0 })).toThrow('bins')
})

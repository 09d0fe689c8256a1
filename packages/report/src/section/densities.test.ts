import { expect, it } from 'vitest'
import { densityView, quantile, rebinned, shareAbove } from './densities.js'

/** Normal vectors spread evenly over 0..1, anomalous ones over 0..`reach`, in bins of 0.01. */
function histogram(reach: number) {
  const bins = Math.round(reach * 100)
  const edges = Array.from({ length: bins + 1 }, (_, i) => i / 100)
  return {
    edges,
    normal: Array.from({ length: bins }, (_, i) => (i < 100 ? 1 : 0)),
    anomalous: Array.from({ length: bins }, () => 1 / reach),
  }
}

it('finds shares and quantiles inside bins', () => {
  const { edges, normal } = histogram(2)
  expect(shareAbove(edges, normal, 0.255)).toBeCloseTo(0.745)
  expect(quantile(edges, normal, 0.255)).toBeCloseTo(0.255)
  expect(shareAbove([0, 1], [0], 0.5)).toBeNaN()
})

it('shows all of a short range, and cuts a long tail to five times the normal stretch', () => {
  expect(densityView(histogram(2), 0.9)!.high).toBeCloseTo(1.96 * 1.03)
  const long = densityView(histogram(100), 0.9)!
  expect(long.high).toBeCloseTo(5 * 0.995 * 1.03, 1)
  expect(long.anomalousBeyond).toBeGreaterThan(0.9)
  expect(long.normalAbove).toBeCloseTo(0.1)
})

it('keeps the threshold in view', () => {
  expect(densityView(histogram(100), 50)!.high).toBeGreaterThan(50)
})

it('shows nothing where there is too little to see', () => {
  const { edges, normal, anomalous } = histogram(2)
  const none = normal.map(() => 0)
  expect(densityView({ edges, normal: none, anomalous }, 1)).toBeUndefined()
  expect(
    densityView({ edges: [0, 500, 1000], normal: [0.002, 0], anomalous: [0.001, 0.001] }, 1),
  ).toBeUndefined()
})

it('keeps the mass when it merges bins', () => {
  const all = histogram(2)
  const view = { ...densityView(all, 0.9)!, low: 0, high: 2 }
  const merged = rebinned(all, view, 7)
  expect(merged.normal.length).toBeLessThanOrEqual(7)
  const mass = (d: ArrayLike<number>) =>
    Array.from(d).reduce((sum, v, i) => sum + v * (merged.edges[i + 1]! - merged.edges[i]!), 0)
  expect(mass(merged.normal)).toBeCloseTo(1)
  expect(mass(merged.anomalous)).toBeCloseTo(1)
})

import fc from 'fast-check'
import { expect, it } from 'vitest'
import { heatAlpha, heatColour, heatRange, heatmapOverlay, thresholdColour } from './heatmap.js'

const grey = (width: number, height: number, value = 100) => ({
  width,
  height,
  data: new Uint8Array(width * height * 3).fill(value),
})
const square = (data: Float32Array) => {
  const side = Math.sqrt(data.length)
  return { width: side, height: side, data }
}
const pixel = (image: { width: number; data: Uint8Array }, x: number, y: number) => [
  ...image.data.subarray((y * image.width + x) * 3, (y * image.width + x) * 3 + 3),
]

it('leaves the picture alone at low scores and never changes its input', () => {
  const image = grey(8, 8)
  const painted = heatmapOverlay(image, square(new Float32Array(64).fill(1)), { low: 1, high: 2 })
  expect(painted.data).toEqual(image.data)
  heatmapOverlay(image, square(new Float32Array(64).fill(9)), { low: 1, high: 2 })
  expect(new Set(image.data)).toEqual(new Set([100]))
})

it('paints high scores red and holds scores beyond the range', () => {
  const map = new Float32Array(64).fill(2)
  const range = { low: 1, high: 2 }
  const painted = heatmapOverlay(grey(8, 8), square(map), range)
  const [r, g, b] = pixel(painted, 4, 4) as [number, number, number]
  expect(r).toBeGreaterThan(2 * g)
  expect(r).toBeGreaterThan(2 * b)
  expect(heatmapOverlay(grey(8, 8), square(map.fill(1e9)), range).data).toEqual(painted.data)
})

it('leaves pixels alone whose score is not a number', () => {
  const painted = heatmapOverlay(grey(4, 4), square(new Float32Array(16).fill(NaN)), {
    low: 0,
    high: 1,
  })
  expect(painted.data).toEqual(grey(4, 4).data)
})

it('upsamples the map to pictures that are not square', () => {
  const map = Float32Array.from([0, 1, 0, 1])
  const painted = heatmapOverlay(grey(40, 20), square(map), { low: 0, high: 1 })
  expect([painted.width, painted.height]).toEqual([40, 20])
  expect(pixel(painted, 0, 10)).toEqual([100, 100, 100])
  expect(pixel(painted, 39, 10)).toEqual(pixel(painted, 31, 0))
  expect(pixel(painted, 20, 10)).not.toEqual(pixel(painted, 39, 10))
})

it('outlines where the map is above the threshold, the picture edge included', () => {
  const map = new Float32Array(64)
  for (let y = 0; y < 4; y++) for (let x = 0; x < 4; x++) map[y * 8 + x] = 1
  const painted = heatmapOverlay(grey(8, 8), square(map), { low: 5, high: 9 }, 0.5)
  expect(pixel(painted, 0, 0)).toEqual([255, 255, 255])
  expect(pixel(painted, 3, 3)).toEqual([255, 255, 255])
  expect(pixel(painted, 1, 1)).toEqual([100, 100, 100])
  expect(pixel(painted, 4, 1)[0]).toBeLessThan(100)
  expect(pixel(painted, 6, 6)).toEqual([100, 100, 100])
})

it('refuses arrays that do not fit', () => {
  const range = { low: 0, high: 1 }
  expect(() =>
    heatmapOverlay(grey(4, 4), { width: 4, height: 4, data: new Float32Array(9) }, range),
  ).toThrow('does not fit')
})

it('puts the threshold at its colour and the usual score at none', () => {
  const { low, high } = heatRange(
    [{ width: 5, height: 1, data: Float32Array.from([1, 1, 1, 7, 9]) }],
    3,
  )
  expect(low).toBe(1)
  expect((3 - low) / (high - low)).toBeCloseTo(thresholdColour)
})

it('makes a usable range of anything', () => {
  const values = fc.array(fc.float({ min: -1000, max: 1000, noNaN: true }))
  fc.assert(
    fc.property(values, fc.double(), (scores, threshold) => {
      const { low, high } = heatRange([square(Float32Array.from(scores))], threshold)
      expect(high).toBeGreaterThan(low)
    }),
  )
})

it('grows denser with the score and stays within a byte', () => {
  for (let i = 1; i <= 100; i++) {
    expect(heatAlpha(i / 100)).toBeGreaterThanOrEqual(heatAlpha((i - 1) / 100))
    for (const c of heatColour(i / 100)) expect(c).toBe(Math.min(255, Math.max(0, Math.round(c))))
  }
  expect([heatAlpha(0), heatAlpha(1)]).toEqual([0, 1])
})

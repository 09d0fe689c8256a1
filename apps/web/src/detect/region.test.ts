import { expect, it } from 'vitest'
import { coveredBy, dragged, moved } from './region.js'

const region = { x: 0.4, y: 0.4, width: 0.2, height: 0.2 }

it('a region is drawn in any direction, and ends with the picture', () => {
  const drawn = dragged([0.75, 0.5], [0.25, 2])
  expect(drawn).toEqual({ x: 0.25, y: 0.5, width: 0.5, height: 0.5 })
  expect(dragged([0.25, 2], [0.75, 0.5])).toEqual(drawn)
})

it('arrows move a region and change its size; it stays in the picture, and is never gone', () => {
  expect(moved(region, 'ArrowLeft', false)).toEqual({ ...region, x: 0.38 })
  expect(moved(region, 'ArrowDown', true)!.height).toBeCloseTo(0.22)
  expect(moved(region, 'Enter', false)).toBeUndefined()
  for (const isShifted of [false, true])
    for (const key of ['ArrowLeft', 'ArrowRight', 'ArrowUp', 'ArrowDown']) {
      let now = region
      for (let i = 0; i < 80; i++) now = moved(now, key, isShifted)!
      const { x, y, width, height } = now
      expect(Math.min(x, y)).toBeGreaterThanOrEqual(0)
      expect(Math.min(width, height)).toBeGreaterThan(0.01)
      expect(Math.max(x + width, y + height)).toBeLessThanOrEqual(1 + 1e-9)
    }
})

it('regions that overlap cover a place once', () => {
  expect(coveredBy([])).toBe(0)
  expect(coveredBy([region, region])).toBeCloseTo(0.04)
  expect(coveredBy([region, { x: 0, y: 0, width: 1, height: 1 }])).toBe(1)
})

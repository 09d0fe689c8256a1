import fc from 'fast-check'
import { expect, it } from 'vitest'
import { masks } from '../test/arbitraries.js'
import { regionsOf } from '../test/brute-force.js'
import { connectedComponents, fillHoles } from './components.js'

it('finds the regions that merging neighbours finds, in raster order', () => {
  fc.assert(
    fc.property(masks, fc.constantFrom(4 as const, 8 as const), (image, connectivity) => {
      const { mask, width, height } = image
      const { labels, count, areas } = connectedComponents(mask, width, height, connectivity)
      const expected = regionsOf(image, connectivity)
        .map((pixels) => [...pixels].sort((a, b) => a - b))
        .sort((a, b) => a[0]! - b[0]!)
      const found = Array.from({ length: count }, (_, k) =>
        [...labels.keys()].filter((i) => labels[i] === k + 1),
      )
      expect(found).toEqual(expected)
      expect([...areas]).toEqual(expected.map((pixels) => pixels.length))
    }),
  )
})

it('fills exactly the background that is cut off from the border', () => {
  fc.assert(
    fc.property(masks, fc.constantFrom(4 as const, 8 as const), (image, connectivity) => {
      const { mask, width, height } = image
      const background = mask.map((v) => (v ? 0 : 1))
      const expected = mask.map((v) => (v ? 1 : 0))
      for (const region of regionsOf({ mask: background, width }, connectivity)) {
        const open = region.some((i) => {
          const x = i % width
          const y = Math.floor(i / width)
          return x === 0 || y === 0 || x === width - 1 || y === height - 1
        })
        if (!open) for (const i of region) expected[i] = 1
      }
      expect(fillHoles(mask, width, height, connectivity)).toEqual(expected)
    }),
  )
})

it('lets only an 8-connected background leak through a diagonal gap', () => {
  const ring = Uint8Array.of(1, 1, 0, 1, 0, 1, 1, 1, 1)
  expect(fillHoles(ring, 3, 3, 4)[4]).toBe(1)
  expect(fillHoles(ring, 3, 3, 8)[4]).toBe(0)
})

it('rejects sizes that do not fit', () => {
  const mask = new Uint8Array(6)
  expect(() => connectedComponents(mask, 2, 2)).toThrow('mask must have 4 elements (2 × 2), got 6')
  expect(() => connectedComponents(mask, 0, 6)).toThrow('width must be an integer of at least 1')
  expect(() => connectedComponents(mask, 2, 3, 6 as 8)).toThrow('connectivity must be 4 or 8')
})

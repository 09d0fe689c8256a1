import { expect, it } from 'vitest'
import { resampleMap, resampleMask } from './picture.js'

it('leaves a map of the right size as it is', () => {
  const map = { width: 2, height: 2, data: Float32Array.from([1, 2, 3, 4]) }
  expect(resampleMap(map, 2, 2)).toBe(map)
})

it('keeps a plane a plane between the outer centres, and constants everywhere', () => {
  const plane = Float32Array.from({ length: 16 }, (_, i) => (i % 4) + 10 * Math.floor(i / 4))
  const { data: big } = resampleMap({ width: 4, height: 4, data: plane }, 8, 8)
  // centre of pixel x lies at (x + ½)/2 − ½ of the small map
  expect(big[3 * 8 + 4]).toBeCloseTo(1.75 + 10 * 1.25)
  const flat = { width: 3, height: 3, data: new Float32Array(9).fill(5) }
  expect(resampleMap(flat, 7, 5).data).toEqual(new Float32Array(35).fill(5))
})

it('stays between the extremes', () => {
  const map = { width: 2, height: 2, data: Float32Array.from([0, 1, 1, 0]) }
  const { data: big } = resampleMap(map, 9, 5)
  expect(Math.min(...big)).toBe(0)
  expect(Math.max(...big)).toBe(1)
})

it('takes the nearest pixel of masks', () => {
  const mask = { width: 2, height: 1, data: Uint8Array.from([0, 1]) }
  expect([...resampleMask(mask, 4, 2).data]).toEqual([0, 0, 1, 1, 0, 0, 1, 1])
  expect(resampleMask(mask, 2, 1)).toBe(mask)
})

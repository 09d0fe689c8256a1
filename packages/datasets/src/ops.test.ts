import fc from 'fast-check'
import { expect, it } from 'vitest'
import { resizeLanczos, resizeMaskNearest } from './resize.js'
import { rotateNearest } from './rotate.js'

const side = fc.integer({ min: 1, max: 24 })
const image = fc
  .tuple(side, side)
  .chain(([width, height]) =>
    fc
      .uint8Array({ minLength: width * height * 3, maxLength: width * height * 3 })
      .map((data) => ({ width, height, data })),
  )
const mask = fc
  .tuple(side, side)
  .chain(([width, height]) =>
    fc
      .uint8Array({ minLength: width * height, maxLength: width * height, max: 1 })
      .map((data) => ({ width, height, data })),
  )

it('resizes to the size asked for and leaves its input alone', () => {
  fc.assert(
    fc.property(image, mask, side, side, (im, m, width, height) => {
      const before = im.data.slice()
      const a = resizeLanczos(im, width, height)
      expect([a.width, a.height, a.data.length]).toEqual([width, height, width * height * 3])
      const b = resizeMaskNearest(m, width, height)
      expect([b.width, b.height, b.data.length]).toEqual([width, height, width * height])
      expect(b.data.every((v) => v <= 1)).toBe(true)
      expect(im.data).toEqual(before)
    }),
  )
})

it('is the identity at the same size, and at 0°, but in new memory', () => {
  fc.assert(
    fc.property(image, mask, fc.integer({ min: -3, max: 3 }), (im, m, turns) => {
      for (const same of [resizeLanczos(im, im.width, im.height), rotateNearest(im, turns * 360)]) {
        expect(same).toEqual(im)
        expect(same.data.buffer).not.toBe(im.data.buffer)
      }
      expect(resizeMaskNearest(m, m.width, m.height)).toEqual(m)
    }),
  )
})

it('keeps an even colour even', () => {
  fc.assert(
    fc.property(side, side, side, side, fc.nat(255), (w, h, a, b, v) => {
      const data = new Uint8Array(w * h * 3).fill(v)
      expect(resizeLanczos({ width: w, height: h, data }, a, b).data.every((x) => x === v)).toBe(
        true,
      )
    }),
  )
})

it('rotating there and back in quarter turns gives the image again', () => {
  fc.assert(
    fc.property(image, (im) => {
      expect(rotateNearest(rotateNearest(im, 180), 180)).toEqual(im)
      if (im.width === im.height) expect(rotateNearest(rotateNearest(im, 90), -90)).toEqual(im)
    }),
  )
})

it('invents no colours when it rotates', () => {
  fc.assert(
    fc.property(image, fc.double({ min: -720, max: 720, noNaN: true }), (im, degrees) => {
      const key = (d: Uint8Array, i: number): string => d.slice(i * 3, i * 3 + 3).join()
      const n = im.width * im.height
      const known = new Set(['0,0,0', ...Array.from({ length: n }, (_, i) => key(im.data, i))])
      const out = rotateNearest(im, degrees)
      for (let i = 0; i < n; i++) expect(known.has(key(out.data, i))).toBe(true)
    }),
  )
})

it.each([
  [0, 5],
  [5, -1],
  [2.5, 5],
  [40000, 5],
  [NaN, 5],
])('refuses a size of %d×%d', (width, height) => {
  const im = { width: 1, height: 1, data: new Uint8Array(3) }
  expect(() => resizeLanczos(im, width, height)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  const m = { width: 1, height: 1, data: new Uint8Array(1) }
  expect(() => resizeMaskNearest(m, width, height)).toThrow(
    expect.objectContaining({ code: 'USAGE' }),
  )
})

it('refuses an angle that is no number', () => {
  const im = { width: 1, height: 1, data: new Uint8Array(3) }
  expect(() => rotateNearest(im, NaN)).toThrow(expect.objectContaining({ code: 'USAGE' }))
})

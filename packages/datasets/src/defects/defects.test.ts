import { Random, type RgbImage } from '@cflow/base'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { syntheticDataset } from '../index.js'
import { defectKinds, withDefect } from './defects.js'

/** Images of any shape: plain, of noise, and an object before a plain background. */
const images = fc
  .record({
    width: fc.integer({ min: 24, max: 90 }),
    height: fc.integer({ min: 24, max: 90 }),
    kind: fc.constantFrom('plain', 'black', 'noise', 'object'),
    seed: fc.nat(),
  })
  .map(({ width, height, kind, seed }): RgbImage => {
    const random = Random.seeded(seed)
    const level = kind === 'black' ? 0 : 200
    const data = new Uint8Array(width * height * 3).fill(level)
    for (let i = 0; i < data.length; i++) if (kind === 'noise') data[i] = random.integer(256)
    if (kind === 'object')
      for (let y = Math.floor(height / 4); y < height / 2; y++)
        for (let x = Math.floor(width / 4); x < width / 2; x++)
          data.fill(40 + random.integer(50), (y * width + x) * 3, (y * width + x) * 3 + 3)
    return { width, height, data }
  })
const wanted = fc.record({
  kind: fc.constantFrom(...defectKinds),
  size: fc.double({ min: 0.01, max: 0.4, noNaN: true }),
})

describe('made defects', () => {
  it('differ from the image exactly where the mask is, which is not empty and as large as asked', () => {
    fc.assert(
      fc.property(images, wanted, fc.nat(), (image, { kind, size }, seed) => {
        const before = Uint8Array.from(image.data)
        const { image: made, mask } = withDefect(image, { kind, size }, Random.seeded(seed))
        expect(image.data).toEqual(before)
        expect([made.width, made.height]).toEqual([image.width, image.height])
        expect([mask.width, mask.height]).toEqual([image.width, image.height])
        let [area, wrong] = [0, 0]
        for (let i = 0; i < mask.data.length; i++) {
          const differs = [0, 1, 2].some((c) => made.data[3 * i + c] !== image.data[3 * i + c])
          if ((mask.data[i] === 1) !== differs) wrong++
          area += mask.data[i]!
        }
        expect(wrong).toBe(0)
        const asked = Math.max(9, Math.round((size * Math.min(image.width, image.height)) ** 2))
        expect(area).toBeLessThanOrEqual(asked)
        // a long scar may be longer than the image
        expect(area).toBeGreaterThanOrEqual(kind === 'scar' ? 1 : Math.floor(0.6 * asked))
      }),
      { numRuns: 200 },
    )
  })

  it('can be seen, also where there is nothing to paste or to blur', () => {
    const plain: RgbImage = { width: 64, height: 64, data: new Uint8Array(64 * 64 * 3).fill(128) }
    for (const kind of defectKinds) {
      const { image, mask } = withDefect(plain, { kind, size: 0.1 }, Random.seeded(3))
      let sum = 0
      mask.data.forEach((m, i) => (sum += m * Math.abs(image.data[3 * i]! - 128)))
      const area = mask.data.reduce((a, b) => a + b, 0)
      expect(sum / area, kind).toBeGreaterThan(5)
    }
  })

  it('are the same for the same random numbers, and others for others', async () => {
    const { train } = syntheticDataset({ kind: 'cable', size: 64, train: 1, test: 0 })
    const image = await train[0]!.load()
    for (const kind of defectKinds) {
      const make = (seed: number) =>
        Buffer.from(withDefect(image, { kind, size: 0.1 }, Random.seeded(seed)).image.data)
      expect(make(1).equals(make(1)), kind).toBe(true)
      expect(make(1).equals(make(2)), kind).toBe(false)
    }
  })

  it('lie on the object where it can be told from its background', () => {
    const [size, from, to] = [80, 50, 70]
    const data = new Uint8Array(size * size * 3).fill(230)
    const random = Random.seeded(5)
    for (let y = from; y < to; y++)
      for (let x = from; x < to; x++)
        for (let c = 0; c < 3; c++) data[(y * size + x) * 3 + c] = random.integer(120)
    const object = { width: size, height: size, data }
    for (const kind of defectKinds)
      for (let seed = 0; seed < 8; seed++) {
        const { mask } = withDefect(object, { kind, size: 0.08 }, Random.seeded(seed))
        const touches = mask.data.some((m, i) => {
          const [x, y] = [i % size, Math.floor(i / size)]
          return m === 1 && x >= from && x < to && y >= from && y < to
        })
        expect(touches, `${kind} ${seed}`).toBe(true)
      }
  })

  it.each([0, -1, 1.5, NaN])('of size %s are refused', (size) => {
    const image = { width: 8, height: 8, data: new Uint8Array(192) }
    expect(() => withDefect(image, { kind: 'spot', size }, Random.seeded(0))).toThrow(
      expect.objectContaining({ code: 'USAGE' }),
    )
  })
})

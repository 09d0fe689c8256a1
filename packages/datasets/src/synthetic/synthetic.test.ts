import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { spread } from './change.js'
import { renderMask, renderShot, syntheticDefects, syntheticKinds } from './render.js'
import { syntheticDataset } from './synthetic.js'

const hash = (data: Uint8Array): string =>
  createHash('sha256').update(data).digest('hex').slice(0, 16)

const share = (mask: Uint8Array): number => mask.reduce((n, v) => n + v, 0) / mask.length

describe('syntheticDataset', () => {
  it('has a third of its test good and goes through the defects in turn', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...syntheticKinds),
        fc.nat(60),
        fc.nat(60),
        (kind, train, test) => {
          const set = syntheticDataset({ kind, train, test })
          expect([set.name, set.category]).toEqual(['synthetic', kind])
          expect([set.train.length, set.test.length]).toEqual([train, test])
          const good = set.test.filter((s) => s.label === 'good')
          expect(good.length).toBe(Math.floor(test / 3))
          const ids = [...set.train, ...set.test].map((s) => s.id)
          expect(new Set(ids).size).toBe(ids.length)
          const counts = syntheticDefects(kind).map(
            (d) => set.test.filter((s) => s.defect === d).length,
          )
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1)
        },
      ),
    )
  })

  it('is sorted by folder, then name, as on disk', () => {
    const { test } = syntheticDataset({ kind: 'cable' })
    const ids = test.map((s) => s.id)
    expect(ids).toEqual([...ids].sort())
    expect(test.every((s) => (s.label === 'good') === (s.loadMask === undefined))).toBe(true)
  })

  it.each([
    { kind: 'cup' as 'cable' },
    { kind: 'mesh', size: 8 },
    { kind: 'mesh', size: 31 },
    { kind: 'mesh', size: 64.5 },
    { kind: 'mesh', size: 4096 },
    { kind: 'mesh', train: -1 },
    { kind: 'mesh', seed: 0.5 },
    { kind: 'mesh', colour: 'red' },
  ] as const)('refuses %o', (options) => {
    expect(() => syntheticDataset(options)).toThrow(expect.objectContaining({ code: 'USAGE' }))
  })
})

describe.each(syntheticKinds)('%s', (kind) => {
  const size = 128

  it('gives the bytes it has always given', async () => {
    const { train, test } = syntheticDataset({ kind, size: 64, seed: 3 })
    const bad = test.find((s) => s.label === 'anomalous')!
    const image = await bad.load()
    expect([image.width, image.height]).toEqual([64, 64])
    expect({
      good: hash((await train[0]!.load()).data),
      bad: hash(image.data),
      mask: hash((await bad.loadMask!()).data),
    }).toMatchSnapshot()
  })

  it('depends on seed and sample, not on order or number', async () => {
    const a = syntheticDataset({ kind, size: 48, seed: 1 })
    const b = syntheticDataset({ kind, size: 48, seed: 1, train: 3 })
    const last = (await a.train[2]!.load()).data
    const first = (await a.train[0]!.load()).data
    expect((await b.train[0]!.load()).data).toEqual(first)
    expect((await b.train[2]!.load()).data).toEqual(last)
    expect(last).not.toEqual(first)
    const other = syntheticDataset({ kind, size: 48, seed: 2 })
    expect((await other.train[0]!.load()).data).not.toEqual(first)
  })

  it.each(syntheticDefects(kind))('%s changes what its mask says and nothing else', (defect) => {
    for (const seed of [1, 2]) {
      const exemplar = { kind, size, seed, stream: 'x' }
      const shot = { ...exemplar, defect }
      const bad = renderShot(shot)
      const good = renderShot(exemplar)
      const mask = renderMask(shot)
      expect([mask.width, mask.height]).toEqual([size, size])
      expect(mask.data.every((v) => v <= 1)).toBe(true)
      expect(share(mask.data)).toBeGreaterThan(0.002)
      expect(share(mask.data)).toBeLessThan(0.05)
      const near = spread(mask.data, size, 4)
      let [outside, beside, changed] = [0, 0, 0]
      for (let i = 0; i < bad.data.length; i++) {
        const difference = Math.abs(bad.data[i]! - good.data[i]!)
        const pixel = Math.floor(i / 3)
        if (near[pixel] === 0) outside = Math.max(outside, difference)
        else if (mask.data[pixel] === 0) beside = Math.max(beside, difference)
        else changed += Number(difference > 8)
      }
      expect(outside).toBe(0)
      expect(beside).toBeLessThanOrEqual(4)
      expect(changed / 3 / (share(mask.data) * size * size)).toBeGreaterThan(0.25)
    }
  })

  it('has an empty mask for a good shot', () => {
    const mask = renderMask({ kind, size, seed: 1, stream: 'x' })
    expect(mask.data).toEqual(new Uint8Array(size * size))
  })
})

import fc from 'fast-check'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { images, type MaskedMap } from '../test/arbitraries.js'
import { binEdge } from './pixel-bins.js'
import { PixelMetrics } from './index.js'

const gather = (set: readonly MaskedMap[], exactUpTo?: number): PixelMetrics => {
  const pixels = new PixelMetrics(exactUpTo === undefined ? {} : { exactUpTo })
  for (const { map, mask, width, height } of set) pixels.add(map, mask, width, height)
  return pixels
}

/** Scores that lie close together or far apart, so that bins are shared and ranges are wide. */
const spread = fc.tuple(images, fc.constantFrom(0, 1000, -70000), fc.constantFrom(1e-30, 1, 1e20))
const scaled = spread.map(([set, offset, factor]) =>
  set.map((image) => ({ ...image, map: image.map.map((v) => v * factor + offset) })),
)

it('bins keep the order, are as fine as promised, and hold all float32 numbers', () => {
  const number = fc.oneof(
    fc.float({ noNaN: true }),
    fc.constantFrom(0, -0, Infinity, -Infinity, 1e-45, -1e-45, 3.4e38, -3.4e38),
  )
  fc.assert(
    fc.property(number, number, (a, b) => {
      const [x, y] = [Math.fround(a), Math.fround(b)]
      expect(binEdge(x)).toBeLessThanOrEqual(x)
      if (x <= y) expect(binEdge(x)).toBeLessThanOrEqual(binEdge(y))
      expect(binEdge(binEdge(x))).toBe(binEdge(x))
      if (Number.isFinite(x) && Math.abs(x) > 2e-38)
        expect(x - binEdge(x)).toBeLessThanOrEqual(Math.abs(binEdge(x)) * 2 ** -15)
    }),
    { numRuns: 2000 },
  )
  expect(binEdge(-0)).toBe(binEdge(0))
})

it('every metric is the exact one of scores rounded down to their bins', () => {
  fc.assert(
    fc.property(scaled, fc.integer({ min: 2, max: 30 }), (set, maxPoints) => {
      const binned = gather(set, 0)
      const rounded = gather(set.map((image) => ({ ...image, map: image.map.map(binEdge) })))
      expect([binned.exact, rounded.exact]).toEqual([false, true])
      expect(binned.counts).toEqual(rounded.counts)
      expect(binned.auroc()).toBe(rounded.auroc())
      expect(binned.averagePrecision()).toBe(rounded.averagePrecision())
      expect(binned.f1Max()).toEqual(rounded.f1Max())
      expect(binned.rocCurve(maxPoints)).toEqual(rounded.rocCurve(maxPoints))
      expect(binned.prCurve(maxPoints)).toEqual(rounded.prCurve(maxPoints))
      for (const protocol of ['exact', 'cflow-ad', 'mvtec-3d'] as const) {
        const value = rounded.aupro(0.3, { protocol })
        if (Number.isNaN(value)) expect(binned.aupro(0.3, { protocol })).toBeNaN()
        else expect(binned.aupro(0.3, { protocol })).toBeCloseTo(value, 9)
      }
      const threshold = set[0]!.map[0]!
      expect(binned.confusionAt(threshold)).toEqual(rounded.confusionAt(binEdge(threshold)))
      const [a, b] = [binned.scoreHistogram({ bins: 7 }), rounded.scoreHistogram({ bins: 7 })]
      expect(a.edges).toEqual(b.edges)
      for (const name of ['normal', 'anomalous'] as const)
        a[name].forEach((d, i) => expect(d).toBeCloseTo(b[name][i]!, 9))
    }),
    { numRuns: 300 },
  )
})

it('AUROC is as near to the exact one as it says', () => {
  fc.assert(
    fc.property(scaled, (set) => {
      const [binned, exact] = [gather(set, 0), gather(set)]
      const { normal, anomalous } = exact.counts
      if (normal === 0 || anomalous === 0) {
        expect(binned.aurocError()).toBeNaN()
        return
      }
      expect(exact.aurocError()).toBe(0)
      const off = Math.abs(binned.auroc() - exact.auroc())
      expect(off).toBeLessThanOrEqual(binned.aurocError() + 1e-12)
      // an image too many brings everything into bins, whatever was there before
      const between = gather(set, set[0]!.map.length)
      expect(between.auroc()).toBe(set.length > 1 ? binned.auroc() : exact.auroc())
    }),
    { numRuns: 500 },
  )
})

it('memory of binned pixels does not grow with the images', async () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const held = (): number => {
    collect()
    return process.memoryUsage().arrayBuffers
  }
  const pixels = new PixelMetrics({ exactUpTo: 1000 })
  const size = 128
  const map = Float32Array.from({ length: size * size }, (_, i) => Math.sin(i) * 3)
  const mask = Uint8Array.from(map, (_, i) => Number(i < 200))
  const add = (): void => pixels.add(map, mask, size, size)
  for (let i = 0; i < 10; i++) add()
  const before = held()
  for (let i = 0; i < 200; i++) add()
  // kept exactly, those would be 13 MB; buffers that are garbage are let go by another thread, in its own time
  await expect.poll(() => held() - before, { timeout: 10_000 }).toBeLessThan(1e6)
  expect(pixels.counts).toEqual({
    normal: 210 * (size * size - 200),
    anomalous: 42000,
    regions: 210,
  })
  expect(pixels.aurocError()).toBeLessThan(1e-3)
})

it('AUROC of some groups is that of their images alone, exact or in bins', () => {
  const grouped = fc.array(
    fc.record({ list: images, group: fc.constantFrom('good', 'bent', 'cut'), ask: fc.boolean() }),
    { minLength: 1, maxLength: 4 },
  )
  fc.assert(
    fc.property(grouped, fc.constantFrom(0, 20, 1e6), (set, exactUpTo) => {
      const pixels = new PixelMetrics({ exactUpTo })
      for (const { list, group, ask } of set) {
        for (const { map, mask, width, height } of list) pixels.add(map, mask, width, height, group)
        if (ask) pixels.auroc(['good', 'cut'])
      }
      const limit = pixels.exact ? 1e6 : 0
      const own = gather(
        set.flatMap(({ list, group }) => (group === 'cut' ? [] : list)),
        limit,
      )
      expect(pixels.auroc(['good', 'bent'])).toBe(own.auroc())
      expect(pixels.auroc(['good', 'bent', 'good', 'none'])).toBe(own.auroc())
      const all = gather(
        set.flatMap(({ list }) => list),
        limit,
      )
      expect(pixels.auroc()).toBe(all.auroc())
      expect(pixels.auroc(['good', 'bent', 'cut'])).toBe(all.auroc())
    }),
  )
})

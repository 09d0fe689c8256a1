import { floats, Random } from '@cflow/base'
import { input } from '@cflow/graph'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import {
  depth,
  golden,
  goldenMaps,
  height,
  positions,
  relativeError,
  rowsOf,
  width,
} from '../../test/golden.js'
import { run } from '@cflow/runtimes/testing'
import { defaultChannels, padimSums, randomChannels } from './estimate.js'
import { mahalanobisMap } from './padim.js'

const { train, test } = goldenMaps()

function fitted(maps: readonly Float32Array[]) {
  const sums = padimSums(positions, depth)
  for (const map of maps) sums.add(rowsOf(map))
  return sums.gaussians(golden.padim.regularisation, () => undefined)
}

async function distances(maps: readonly Float32Array[]) {
  const x = input('x', 'float32', ['N', depth, height, width])
  const feeds = { x: floats('float32', [maps.length, depth, height, width], maps.flatMap((m) => [...m])) } // prettier-ignore
  return (await run({ d: mahalanobisMap(x, fitted(train)) }, feeds))['d']!
}

it('gives the distances of the reference, in a batch', async () => {
  const d = await distances(test)
  expect(d.shape).toEqual([2, height, width])
  expect(relativeError(d.data, golden.padim.distance.flat(2))).toBeLessThan(1e-5)
})

it('is the distance in units of the deviation where channels are independent', () => {
  // two images ±s apart in one channel: variance 2s² with n − 1, then the regularisation
  const sums = padimSums(1, 2)
  sums.add(Float32Array.of(1 + 0.5, 7))
  sums.add(Float32Array.of(1 - 0.5, 7))
  const { mean, factor } = sums.gaussians(0.25, () => undefined)
  expect(Array.from(mean)).toEqual([1, 7])
  const expected = [1 / Math.sqrt(0.75), 0, 0, 2]
  expected.forEach((v, i) => expect(factor[i]).toBeCloseTo(v, 6))
})

it('does not depend on the order of the images', () => {
  const a = fitted(train)
  const b = fitted(train.toReversed())
  for (const [x, y] of [
    [a.mean, b.mean],
    [a.factor, b.factor],
  ] as const)
    x.forEach((v, i) => expect(Math.abs(v - y[i]!)).toBeLessThan(1e-4 * (1 + Math.abs(v))))
})

it('needs two images', () => {
  expect(() => fitted(train.slice(0, 1))).toThrow(/two images/)
})

it('keeps a fixed subset of the channels: ascending, none twice, the same for the same seed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 400 }), fc.nat(), fc.nat(), (all, some, seed) => {
      const count = 1 + (some % all)
      const chosen = randomChannels(all, count, seed)
      expect(chosen.length).toBe(count)
      expect(chosen.every((c, i) => c < all && (i === 0 || c > chosen[i - 1]!))).toBe(true)
      expect(randomChannels(all, count, seed)).toEqual(chosen)
    }),
  )
  expect(randomChannels(344, 100, 1)).not.toEqual(randomChannels(344, 100, 2))
  expect(() => randomChannels(10, 11, 0)).toThrow(/10 channels/)
  expect(defaultChannels('resnet18', 896)).toBe(100)
  expect(defaultChannels('wide-resnet50-2', 3584)).toBe(550)
  expect(defaultChannels('resnet18', 64)).toBe(64)
})

it('stays accurate where features lie far from zero', () => {
  const random = Random.seeded(3)
  const near = Array.from({ length: 30 }, () => Float32Array.from({ length: 2 }, () => random.normal())) // prettier-ignore
  const fit = (offset: number) => {
    const sums = padimSums(1, 2)
    for (const rows of near) sums.add(rows.map((v) => v + offset)) // prettier-ignore
    return sums.gaussians(0.01, () => undefined).factor
  }
  const [a, b] = [fit(0), fit(1000)]
  a.forEach((v, i) => expect(Math.abs(v - b[i]!)).toBeLessThan(1e-3 * (1 + Math.abs(v))))
})

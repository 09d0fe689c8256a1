import { floats, Random } from '@cflow/base'
import { input } from '@cflow/graph'
import { expect, it } from 'vitest'
import { run } from '@cflow/runtimes/testing'
import { likelihoodHead, smoothedSide } from '../detector-file/flow-head.js'
import { blur, gaussianKernel } from './blur.js'

async function blurred(size: number, map: readonly number[], sigma = 4): Promise<number[]> {
  const x = input('x', 'float32', ['N', 1, size, size])
  const feeds = { x: floats('float32', [1, 1, size, size], map) }
  return (await run({ y: blur(x, sigma) }, feeds))['y']!.data
}

it('spreads a point as a Gaussian of that deviation', async () => {
  const size = 41
  const map = Array.from({ length: size * size }, (_, i) => (i === 20 * size + 20 ? 1 : 0))
  const got = await blurred(size, map, 2)
  const at = (y: number, x: number) => got[(20 + y) * size + 20 + x]!
  expect(at(0, 0)).toBeCloseTo(1 / (2 * Math.PI * 4), 4)
  for (const [y, x] of [
    [0, 1],
    [3, 0],
    [2, -5],
  ] as const)
    // prettier-ignore
    expect(at(y, x) / at(0, 0)).toBeCloseTo(Math.exp(-(y * y + x * x) / 8), 4)
  expect(got.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 5)
})

it('leaves a flat map as it is, to its very border, also one smaller than the filter', async () => {
  for (const size of [8, 40]) {
    const got = await blurred(
      size,
      Array.from({ length: size * size }, () => 3),
    )
    got.forEach((v) => expect(Math.abs(v - 3)).toBeLessThan(1e-5))
  }
})

it('cuts the filter off at four deviations', () => {
  const kernel = gaussianKernel(4)
  expect(kernel.length).toBe(33)
  expect(kernel.reduce((a, b) => a + b, 0)).toBeCloseTo(1, 12)
})

/** Map and score of a detector whose likelihoods are noise of 8 × 8. */
async function verdictOf(size: number, smoothing: number) {
  const random = Random.seeded(3)
  const likelihood = Float32Array.from({ length: 64 }, () => random.normal())
  const l = input('l', 'float32', ['N', 8, 8])
  const options = { aggregation: 'softMinimum', scoreShare: 0, smoothing } as const
  const head = likelihoodHead([{ depth: 4 }], { ...options, likelihoods: () => [l] })
  const { map, score } = head.verdict({ log_likelihood_0: l }, size, [
    { depth: 4, mean: 0, deviation: 1, max: 2 },
  ])
  const got = await run({ map, score }, { l: floats('float32', [1, 8, 8], likelihood) })
  return { map: Array.from(got['map']!.data), score: got['score']!.data[0]! }
}

it('smooths the map of a detector, and its score is that of the smoothed map', async () => {
  const plain = await verdictOf(32, 0)
  const smooth = await verdictOf(32, 2)
  const wanted = await blurred(32, plain.map, 2)
  smooth.map.forEach((v, i) => expect(v).toBeCloseTo(wanted[i]!, 4))
  expect(plain.score).toBeCloseTo(Math.max(...plain.map), 4)
  expect(smooth.score).toBeCloseTo(Math.max(...wanted), 4)
  expect(smooth.score).toBeLessThan(plain.score)
})

it.each([
  [64, 4],
  [63, 4],
  [128, 8],
])(
  'says nearly the same of a map of %s smoothed by %s pixels with half the side',
  async (size, sigma) => {
    const plain = await verdictOf(size, 0)
    const wanted = await blurred(size, plain.map, sigma)
    const { map } = await verdictOf(size, sigma)
    const range = Math.max(...wanted) - Math.min(...wanted)
    expect(map).not.toEqual(wanted)
    map.forEach((v, i) => expect(Math.abs(v - wanted[i]!)).toBeLessThan(0.05 * range))
    const root = Math.sqrt(map.reduce((n, v, i) => n + (v - wanted[i]!) ** 2, 0) / map.length)
    expect(root).toBeLessThan(0.01 * range)
  },
)

it.each([
  [4, 8, 64, 32],
  [4, 16, 61, 32],
  [8, 8, 96, 24],
  [4, 32, 64, 64],
])(
  'smooths by %s pixels from likelihoods of %s a side: the map of %s is aggregated with %s',
  async (sigma, finest, size, side) => {
    expect(smoothedSide(size, sigma, finest)).toBe(side)
  },
)

import { Random, tensor, type Tensor } from '@cflow/base'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { greedyCoreset } from './coreset.js'

const vectorsOf = (rows: number, depth: number, value: (i: number) => number) =>
  tensor(
    'float32',
    [rows, depth],
    Float32Array.from({ length: rows * depth }, (_, i) => value(i)),
  )

/** Rows near a few centres, some directions longer than others. */
function clusters(rows: number, depth: number, seed: number): Tensor<'float32'> {
  const random = Random.seeded(seed)
  const centres = Array.from({ length: 5 * depth }, () => 3 * random.normal())
  const home = Array.from({ length: rows }, () => random.integer(5))
  return vectorsOf(rows, depth, (i) => {
    const d = i % depth
    return centres[home[Math.floor(i / depth)]! * depth + d]! + random.normal() / (1 + d)
  })
}

const distance = ({ data, shape }: Tensor<'float32'>, a: number, b: number): number => {
  const depth = shape[1]!
  let sum = 0
  for (let d = 0; d < depth; d++) sum += (data[a * depth + d]! - data[b * depth + d]!) ** 2
  return Math.sqrt(sum)
}

/** Distance of the row that is farthest from some rows to the nearest of them. */
const coveringRadius = (vectors: Tensor<'float32'>, chosen: ArrayLike<number>): number =>
  Math.max(
    ...Array.from({ length: vectors.shape[0]! }, (_, i) =>
      Math.min(...Array.from(chosen, (j) => distance(vectors, i, j))),
    ),
  )

it('always takes the row that is farthest from those before it', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 60 }),
      fc.integer({ min: 1, max: 70 }),
      fc.nat(),
      (rows, depth, seed) => {
        const vectors = clusters(rows, depth, seed)
        const { chosen, radii } = greedyCoreset(vectors, 12, Random.seeded(seed))
        expect(chosen.length).toBe(Math.min(rows, 12))
        expect(radii[0]).toBe(Infinity)
        for (let m = 1; m < chosen.length; m++) {
          const before = chosen.subarray(0, m)
          const own = Math.min(...Array.from(before, (j) => distance(vectors, chosen[m]!, j)))
          expect(radii[m]).toBeCloseTo(own, 9)
          expect(radii[m]).toBeCloseTo(coveringRadius(vectors, before), 9)
          expect(radii[m]!).toBeLessThanOrEqual(radii[m - 1]!)
        }
      },
    ),
    { numRuns: 40 },
  )
})

it('covers all far better than a random choice', () => {
  const vectors = clusters(2000, 40, 1)
  const { chosen } = greedyCoreset(vectors, 100, Random.seeded(1))
  const random = Random.seeded(2).permutation(2000).subarray(0, 100)
  expect(coveringRadius(vectors, chosen)).toBeLessThan(0.9 * coveringRadius(vectors, random))
})

it('chooses the same for the same seed, another for another', () => {
  const vectors = clusters(300, 40, 1)
  const choose = (seed: number) =>
    Array.from(greedyCoreset(vectors, 20, Random.seeded(seed)).chosen)
  expect(choose(1)).toEqual(choose(1))
  expect(choose(1)).not.toEqual(choose(2))
})

it('chooses nothing twice, and fewer where no more differ', () => {
  const vectors = vectorsOf(400, 40, (i) => Math.floor(i / 40) % 7)
  const { chosen, radii } = greedyCoreset(vectors, 50, Random.seeded(0))
  expect(Array.from(chosen, (i) => i % 7).sort()).toEqual([0, 1, 2, 3, 4, 5, 6])
  expect(Math.min(...radii)).toBeGreaterThan(0)
  expect(
    greedyCoreset(
      vectorsOf(3, 2, () => 5),
      3,
      Random.seeded(0),
    ).chosen.length,
  ).toBe(1)
})

it('covers long vectors almost as well by their random projection', () => {
  // a cube of three sides that lies askew in 600 dimensions
  const random = Random.seeded(3)
  const [rows, depth, sides] = [600, 600, 3]
  const frame = Array.from({ length: sides * depth }, () => random.normal())
  const within = Array.from({ length: sides * rows }, () => random.next())
  const vectors = vectorsOf(rows, depth, (i) => {
    const [row, d] = [Math.floor(i / depth), i % depth]
    return within.slice(row * sides, (row + 1) * sides).reduce((sum, w, k) => sum + w * frame[k * depth + d]!, 0) // prettier-ignore
  })
  const choose = (projected: number) => greedyCoreset(vectors, 40, Random.seeded(4), { projected })
  const [exact, approximate] = [choose(300), choose(128)]
  const randomly = coveringRadius(vectors, Random.seeded(5).permutation(rows).subarray(0, 40))
  expect(coveringRadius(vectors, approximate.chosen)).toBeLessThan(1.25 * coveringRadius(vectors, exact.chosen)) // prettier-ignore
  expect(coveringRadius(vectors, approximate.chosen)).toBeLessThan(0.9 * randomly)
  // the distances of projected vectors are nearly those of the vectors, but not the same
  for (const m of [1, 5, 20]) {
    const ratio = approximate.radii[m]! / coveringRadius(vectors, approximate.chosen.subarray(0, m))
    expect(ratio).toBeGreaterThan(0.7)
    expect(ratio).toBeLessThan(1.3)
    expect(ratio).not.toBeCloseTo(1, 6)
  }
})

it('reports how far it is, and stops where the report throws', () => {
  const vectors = clusters(500, 10, 1)
  const reports: number[] = []
  const onChosen = (n: number) => void reports.push(n)
  greedyCoreset(vectors, 200, Random.seeded(0), { onChosen })
  expect(reports).toEqual([64, 128, 192, 200])
  const stop = () => {
    throw new Error('enough')
  }
  expect(() => greedyCoreset(vectors, 200, Random.seeded(0), { onChosen: stop })).toThrow('enough')
})

import { floats, Random } from '@cflow/base'
import { input } from '@cflow/graph'
import { run } from '@cflow/runtimes/testing'
import { expect, it } from 'vitest'
import { centred, memoryOf, nearestDistances } from './memory.js'

/** Distances of queries to the nearest vectors, in float64. */
function expected(queries: Float32Array, memory: Float32Array, depth: number): number[] {
  return Array.from({ length: queries.length / depth }, (_, q) => {
    let least = Infinity
    for (let m = 0; m < memory.length / depth; m++) {
      let sum = 0
      for (let d = 0; d < depth; d++) sum += (queries[q * depth + d]! - memory[m * depth + d]!) ** 2
      least = Math.min(least, sum)
    }
    return Math.sqrt(least)
  })
}

async function distances(queries: Float32Array, vectors: Float32Array, depth: number) {
  const memory = memoryOf(floats('float32', [vectors.length / depth, depth], vectors), 'm')
  const x = input('x', 'float32', ['R', depth])
  const feeds = { x: floats('float32', [queries.length / depth, depth], queries) }
  return (await run({ y: nearestDistances(centred(x, memory), memory) }, feeds))['y']!
}

it.each([1, 3, 1024, 1025, 2500])(
  'gives the distance to the nearest of %i vectors',
  async (rows) => {
    const depth = 12
    const random = Random.seeded(rows)
    const vectors = Float32Array.from({ length: rows * depth }, () => random.normal())
    const queries = Float32Array.from({ length: 9 * depth }, () => random.normal())
    const got = await distances(queries, vectors, depth)
    expect(got.shape).toEqual([9, 1])
    expected(queries, vectors, depth).forEach((want, i) =>
      expect(Math.abs(got.data[i]! - want)).toBeLessThan(1e-5 * want),
    )
  },
)

it('finds what it remembers, and keeps short distances far from the origin', async () => {
  const depth = 6
  const random = Random.seeded(2)
  const vectors = Float32Array.from({ length: 200 * depth }, () => 500 + random.normal())
  const own = await distances(vectors, vectors, depth)
  expect(Math.max(...own.data)).toBeLessThan(3e-3)
  const near = vectors.map((v) => v + 0.01 * random.normal())
  const got = await distances(near, vectors, depth)
  expected(near, vectors, depth).forEach((want, i) => expect(got.data[i]!).toBeCloseTo(want, 2))
})

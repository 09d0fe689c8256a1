import { floats, Random } from '@cflow/base'
import { rowsOfMap } from '@cflow/core'
import type { EncoderModel } from '@cflow/encoders'
import { input } from '@cflow/graph'
import { run } from '@cflow/runtimes/testing'
import { describe, expect, it } from 'vitest'
import { relativeError } from '../../test/golden.js'
import { memoryOf } from '../memory.js'
import type { Job } from '../method.js'
import { resolveConfig, type TrainConfig } from '../methods.js'
import { patchcore, patchcoreHead, patchMap } from './patchcore.js'

interface Map {
  readonly channels: number
  readonly height: number
  readonly width: number
  readonly data: Float64Array
}

const shapes = [
  { channels: 3, height: 4, width: 6 },
  { channels: 2, height: 2, width: 3 },
]
const [positions, depth] = [24, 5]

function randomTaps(seed: number, offset = 0): Map[] {
  const random = Random.seeded(seed)
  return shapes.map((shape) => {
    const length = shape.channels * shape.height * shape.width
    const data = Float64Array.from({ length }, () => Math.fround(offset + random.normal()))
    return { ...shape, data }
  })
}

/** The definition, in float64. */
const reference = {
  averaged({ channels, height, width, data }: Map, size: number): Map {
    const r = (size - 1) / 2
    const mean = data.map((_, i) => {
      const [x, y, c] = [i % width, Math.floor(i / width) % height, Math.floor(i / width / height)]
      let sum = 0
      for (let v = y - r; v <= y + r; v++)
        for (let u = x - r; u <= x + r; u++)
          if (v >= 0 && v < height && u >= 0 && u < width)
            sum += data[(c * height + v) * width + u]!
      return sum / size ** 2
    })
    return { channels, height, width, data: mean }
  },
  /** A number of a map between positions: (0, 0) is the middle of the first. */
  between({ height, width, data }: Map, c: number, y: number, x: number): number {
    const inside = (v: number, size: number) => Math.min(Math.max(v, 0), size - 1)
    const at = (v: number, u: number) => data[(c * height + inside(v, height)) * width + inside(u, width)]! // prettier-ignore
    const [v, u] = [Math.floor(y), Math.floor(x)]
    const [b, a] = [y - v, x - u]
    return (1 - b) * ((1 - a) * at(v, u) + a * at(v, u + 1)) + b * ((1 - a) * at(v + 1, u) + a * at(v + 1, u + 1)) // prettier-ignore
  },
  patches(taps: readonly Map[], size: number): number[][] {
    const means = taps.map((tap) => reference.averaged(tap, size))
    const { height, width } = means[0]!
    return Array.from({ length: height * width }, (_, p) => {
      const [y, x] = [Math.floor(p / width), p % width]
      return means.flatMap((map) => {
        const [fy, fx] = [map.height / height, map.width / width]
        return Array.from({ length: map.channels }, (_, c) =>
          reference.between(map, c, (y + 0.5) * fy - 0.5, (x + 0.5) * fx - 0.5),
        )
      })
    })
  },
  distance: (a: readonly number[], b: readonly number[]) => Math.hypot(...a.map((v, i) => v - b[i]!)), // prettier-ignore
  nearest: (v: readonly number[], memory: readonly number[][], k: number) =>
    memory.toSorted((a, b) => reference.distance(v, a) - reference.distance(v, b)).slice(0, k),
  /** Equations 6 and 7. */
  score(patches: readonly number[][], memory: readonly number[][], b: number): number {
    const near = (v: readonly number[]) => reference.distance(v, reference.nearest(v, memory, 1)[0]!) // prettier-ignore
    const test = patches.toSorted((p, q) => near(q) - near(p))[0]!
    const star = reference.nearest(test, memory, 1)[0]!
    const exp = (m: readonly number[]) => Math.exp(reference.distance(test, m))
    const sum = reference.nearest(star, memory, b).reduce((n, m) => n + exp(m), 0)
    return (b === 1 ? 1 : 1 - exp(star) / sum) * near(test)
  },
}

const inputs = shapes.map((s, k) => input(`x${k}`, 'float32', ['N', s.channels, s.height, s.width]))
const feedsOf = (images: readonly (readonly Map[])[]) =>
  Object.fromEntries(
    shapes.map((s, k) => [
      `x${k}`,
      floats('float32', [images.length, s.channels, s.height, s.width], images.flatMap((taps) => [...taps[k]!.data])), // prettier-ignore
    ]),
  )
const evidence = (
  images: readonly (readonly Map[])[],
  memory: readonly (readonly number[])[],
  settings: { joinedTaps: 1 | 2 | 3; averaging: 1 | 3 | 5; support: number },
) => {
  const vectors = floats('float32', [memory.length, memory[0]!.length], memory.flat())
  return run(
    { ...patchcoreHead(memoryOf(vectors, 'memory'), settings).evidence(inputs) },
    feedsOf(images),
  )
}

const images = [1, 2, 3].map((seed) => randomTaps(seed))
const random = Random.seeded(9)
const memory = Array.from({ length: 40 }, () =>
  Array.from({ length: depth }, () => random.normal()),
)

it.each([1, 3, 5] as const)('gives patch features as defined, averaged over %i', async (size) => {
  const { y } = await run({ y: rowsOfMap(patchMap(inputs, size)) }, feedsOf(images))
  expect(y!.shape).toEqual([3 * positions, depth])
  const expected = images.flatMap((taps) => reference.patches(taps, size)).flat()
  expected.forEach((want, i) => expect(Math.abs(y!.data[i]! - want)).toBeLessThan(1e-6))
})

describe.each([9, 3, 1])('with %i neighbours for the score', (support) => {
  it.each([1, 3, 5] as const)('gives distances and scores as defined (%i)', async (averaging) => {
    const { distances, score } = await evidence(images, memory, { joinedTaps: 2, averaging, support }) // prettier-ignore
    expect(distances!.shape).toEqual([3, 4, 6])
    expect(score!.shape).toEqual([3])
    const patches = images.map((taps) => reference.patches(taps, averaging))
    const expected = patches.flat().map((v) => reference.distance(v, reference.nearest(v, memory, 1)[0]!)) // prettier-ignore
    expect(relativeError(distances!.data, expected)).toBeLessThan(1e-5)
    const scores = patches.map((p) => reference.score(p, memory, support))
    expect(relativeError(score!.data, scores)).toBeLessThan(1e-5)
    // an image by itself has the score that it has in a batch
    const alone = await evidence(images.slice(1, 2), memory, { joinedTaps: 2, averaging, support })
    expect(alone['score']!.data[0]).toBeCloseTo(scores[1]!, 5)
  })
})

it('weighs also distances whose exponential is no float32', async () => {
  const settings = { joinedTaps: 2, averaging: 3, support: 9 } as const
  const far = images.map((taps) => taps.map((t) => ({ ...t, data: t.data.map((v) => 300 * v) })))
  const wide = memory.map((v) => v.map((a) => 300 * a))
  const { score } = await evidence(far, wide, settings)
  const scores = far.map((taps) => reference.score(reference.patches(taps, 3), wide, 9))
  expect(Math.max(...scores)).toBeGreaterThan(100)
  expect(relativeError(score!.data, scores)).toBeLessThan(1e-5)
})

it('takes the finest taps only where fewer are joined', async () => {
  const short = memory.map((v) => v.slice(0, 3))
  const { distances } = await evidence(images, short, { joinedTaps: 1, averaging: 3, support: 1 })
  const patches = images.flatMap((taps) => reference.patches(taps.slice(0, 1), 3))
  const expected = patches.map((v) => reference.distance(v, reference.nearest(v, short, 1)[0]!))
  expect(relativeError(distances!.data, expected)).toBeLessThan(1e-5)
})

it('uses all of a memory that is smaller than the neighbourhood', async () => {
  const few = memory.slice(0, 4)
  const settings = { joinedTaps: 2, averaging: 1 } as const
  const { score } = await evidence(images, few, { ...settings, support: 9 })
  const four = await evidence(images, few, { ...settings, support: 4 })
  expect(score!.data).toEqual(four['score']!.data)
  const one = await evidence(images, few.slice(0, 1), { ...settings, support: 9 })
  const farthest = images.map((taps) => Math.max(...reference.patches(taps, 1).map((v) => reference.distance(v, few[0]!)))) // prettier-ignore
  expect(relativeError(one['score']!.data, farthest)).toBeLessThan(1e-5)
})

const encoder = {
  taps: shapes.map((s, k) => ({ ...s, name: `tap ${k}`, stride: 8 * (k + 1) })),
} as unknown as EncoderModel

/** Learn from features as they come out of an encoder. */
async function learn(
  taps: readonly (readonly Map[])[],
  settings: Partial<TrainConfig<'patchcore'>>,
) {
  const config = resolveConfig({ method: 'patchcore', ...settings })
  const stages: string[] = []
  const job = {
    config,
    encoder,
    training: taps.map((_, i) => i),
    features: {
      async *of(indices: Iterable<number>) {
        for (const i of indices)
          yield await Promise.resolve([
            Float32Array.from(reference.patches(taps[i]!, config.averaging).flat()),
          ])
      },
    },
    progress: (stage: string, total: number) => (done: number) =>
      void (done >= total && stages.push(stage)),
    timed: (_: string, work: () => unknown) => work(),
  } as unknown as Job<typeof config>
  return { ...(await patchcore.learn(job)), stages }
}

describe('learning', () => {
  const far = images.map((taps, i) => taps.map((t) => ({ ...t, data: t.data.map((v) => v + 20 * i) }))) // prettier-ignore

  it('keeps all where all are asked for: a training image scores nothing', async () => {
    const { head, manifest, stages } = await learn(images, { coreset: 1 })
    expect(stages).toEqual(['encode', 'select'])
    expect(manifest?.settings).toEqual({
      memory: 3 * positions,
      joinedTaps: 2,
      averaging: 3,
      support: 9,
    })
    const seen = await run({ ...head.evidence(inputs) }, feedsOf(images))
    expect(Math.max(...seen['distances']!.data)).toBeLessThan(2e-3)
    expect(Math.max(...seen['score']!.data)).toBeLessThan(1e-5)
    const unseen = await run({ ...head.evidence(inputs) }, feedsOf([randomTaps(4)]))
    expect(unseen['score']!.data[0]).toBeGreaterThan(0.1)
  })

  it('keeps the share or the number that is asked for, whichever is less', async () => {
    const kept = async (settings: Partial<TrainConfig<'patchcore'>>) =>
      (await learn(images, settings)).manifest?.settings?.['memory']
    expect(await kept({ coreset: 0.25 })).toBe(18)
    expect(await kept({ coreset: 0.25, memory: 7 })).toBe(7)
    expect(await kept({ coreset: 0.25, candidates: 10 })).toBe(10)
  })

  it('draws from every image where there are more vectors than candidates', async () => {
    const { head } = await learn(far, { coreset: 1, candidates: 12 })
    const { distances } = await run({ ...head.evidence(inputs) }, feedsOf(far))
    // an image that is not in the memory is some 40 away from it
    expect(Math.max(...distances!.data)).toBeLessThan(10)
    // and four patches of each are
    for (const i of far.keys()) {
      const own = distances!.data.slice(i * positions, (i + 1) * positions)
      expect(own.filter((d) => d < 1e-2).length).toBe(4)
    }
  })

  it('has a smaller distance to its training images the more it keeps', async () => {
    const largest = async (memory: number) => {
      const { head } = await learn(far, { coreset: 1, memory })
      const { distances } = await run({ ...head.evidence(inputs) }, feedsOf(far))
      return Math.max(...distances!.data)
    }
    const radii = [await largest(3), await largest(10), await largest(40), await largest(72)]
    radii.slice(1).forEach((r, i) => expect(r).toBeLessThan(radii[i]!))
    // float32 leaves that much of distances between vectors of length 70
    expect(radii[3]).toBeLessThan(0.05)
  })

  it('refuses a memory that is more than a file can hold', () => {
    const config = resolveConfig({ method: 'patchcore', coreset: 1, memory: 10_000_000, candidates: 10_000_000 }) // prettier-ignore
    const taps = [{ name: 'a', stride: 8, channels: 512, height: 32, width: 32 }]
    const wide = { ...encoder, taps } as EncoderModel
    expect(() => patchcore.prepare(config, wide, 100)).not.toThrow()
    expect(() => patchcore.prepare(config, wide, 2000)).toThrow(/2048000 feature vectors.* 4\.2 GB/)
  })
})

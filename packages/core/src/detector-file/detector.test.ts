import { readFileSync } from 'node:fs'
import { Random, floats, tensor } from '@cflow/base'
import { constant, input, readMetadata, reshape } from '@cflow/graph'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { run, runBytes } from '@cflow/runtimes/testing'
import {
  conditionRows,
  constantValues,
  detectorNames,
  flowTransform,
  initialiseFlow,
  latentLogLikelihood,
  likelihoodMap,
  manifestKey,
  methodTitle,
  normalise,
  parseManifest,
  perDimension,
  positionalEncoding,
  resample,
} from '../index.js'
import type { FlowConfig, ScaleFlow } from '../index.js'
import { toyDetector, toyManifest } from '../testing.js'
import { rowsOfMap } from './detector.js'
import { paddedExtent, resampleTo, unpadded } from './preprocess.js'

const ops = JSON.parse(
  readFileSync(new URL('../../fixtures/ops.json', import.meta.url), 'utf8'),
) as { pil_lanczos_10x12_to_5x6: { out: number[][][] } }

describe('resampling', () => {
  // R = (37·i) % 256 row-major on 12 rows of 10, G = 255 − R, B = R >> 1
  const pixels = Uint8Array.from({ length: 360 }, (_, i) => {
    const r = (37 * Math.floor(i / 3)) % 256
    return [r, 255 - r, r >> 1][i % 3] as number
  })
  const feed = { image: tensor('uint8', [1, 12, 10, 3], pixels) }
  const image = input('image', 'uint8', ['N', 'H', 'W', 3])

  it('is Pillow’s Lanczos to the byte', async () => {
    const expected = ops.pil_lanczos_10x12_to_5x6.out
    const got = await run({ y: resampleTo(image, 6, 5) }, feed)
    for (let y = 0; y < 6; y++)
      for (let x = 0; x < 5; x++)
        for (let c = 0; c < 3; c++)
          expect(got['y']!.data[c * 30 + y * 5 + x]).toBe(expected[y]![x]![c])
  })

  it('is the sum that defines it, also where an axis takes several blocks', async () => {
    const sinc = (x: number) => (x === 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x))
    const byte = (v: number) => Math.min(Math.max(Math.floor(v + 0.5), 0), 255)
    const narrowed = (row: readonly number[], size: number) =>
      Array.from({ length: size }, (_, i) => {
        const ratio = row.length / size
        const weights = row.map((_, j) => {
          const x = (j + 0.5 - (i + 0.5) * ratio) / Math.max(ratio, 1)
          return Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0
        })
        const total = weights.reduce((a, b) => a + b)
        return byte(weights.reduce((sum, w, j) => sum + w * (row[j] as number), 0) / total)
      })
    const [height, width] = [45, 70]
    const side = fc.integer({ min: 1, max: 300 })
    await fc.assert(
      fc.asyncProperty(side, side, fc.integer(), async (h, w, seed) => {
        const random = Random.seeded(seed)
        const data = Uint8Array.from({ length: h * w * 3 }, () => random.integer(256))
        const got = await run(
          { y: resampleTo(image, height, width) },
          { image: tensor('uint8', [1, h, w, 3], data) },
        )
        const green = Array.from({ length: h }, (_, y) =>
          Array.from({ length: w }, (_, x) => data[(y * w + x) * 3 + 1] as number),
        )
        const rows = green.map((row) => narrowed(row, width))
        const columns = Array.from({ length: width }, (_, x) =>
          narrowed(
            rows.map((row) => row[x] as number),
            height,
          ),
        )
        const size = height * width
        const differences = got['y']!.data.slice(size, 2 * size).map((v, i) =>
          Math.abs(v - (columns[i % width]?.[Math.floor(i / width)] as number)),
        )
        // float32 may round a half the other way
        expect(Math.max(...differences)).toBeLessThanOrEqual(1)
        expect(differences.filter((d) => d > 0).length).toBeLessThan(size / 100)
      }),
      { numRuns: 20 },
    )
  })

  it('leaves an image that has the size alone', async () => {
    const random = Random.seeded(2)
    const data = Uint8Array.from({ length: 2 * 16 * 16 * 3 }, () => random.integer(256))
    const got = await run(
      { y: resample(image, 16) },
      { image: tensor('uint8', [2, 16, 16, 3], data) },
    )
    got['y']!.data.forEach((v, i) => {
      const [n, c, y, x] = [
        Math.floor(i / 768),
        Math.floor(i / 256) % 3,
        Math.floor(i / 16) % 16,
        i % 16,
      ]
      expect(v).toBe(data[((n * 16 + y) * 16 + x) * 3 + c])
    })
  })

  it('keeps flat images flat, whatever the sizes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 1, max: 70 }),
        fc.integer({ min: 0, max: 255 }),
        async (h, w, v) => {
          const data = new Uint8Array(h * w * 3).fill(v)
          const got = await run(
            { y: resample(image, 8) },
            { image: tensor('uint8', [1, h, w, 3], data) },
          )
          expect(new Set(got['y']!.data)).toEqual(new Set([v]))
        },
      ),
      { numRuns: 40 },
    )
  })

  const sides = fc.integer({ min: 1, max: 60 })
  it('pads: the image in its proportions, its last pixels going on beyond it', async () => {
    await fc.assert(
      fc.asyncProperty(sides, sides, fc.integer(), async (height, width, seed) => {
        const size = 40
        const random = Random.seeded(seed)
        const data = Uint8Array.from({ length: height * width * 3 }, () => random.integer(256))
        const { x, y } = paddedExtent({ width, height }, size)
        expect(Math.max(x.length, y.length)).toBe(size)
        const got = await run(
          { padded: resample(image, size, 'pad'), own: resampleTo(image, y.length, x.length) },
          { image: tensor('uint8', [1, height, width, 3], data) },
        )
        const inside = (i: number, { before, length }: typeof x) =>
          Math.min(Math.max(i - before, 0), length - 1)
        let differences = 0
        got['padded']!.data.forEach((v, i) => {
          const [c, row, column] = [Math.floor(i / size ** 2), Math.floor(i / size) % size, i % size] // prettier-ignore
          const at = (c * y.length + inside(row, y)) * x.length + inside(column, x)
          // float32 may round a half the other way
          const difference = Math.abs(v - (got['own']!.data[at] as number))
          expect(difference).toBeLessThanOrEqual(1)
          if (difference > 0) differences++
        })
        expect(differences).toBeLessThan(3 * size ** 2 * 0.01)
      }),
      { numRuns: 25 },
    )
  })

  it('takes the padding off a map again', async () => {
    await fc.assert(
      fc.asyncProperty(sides, sides, async (height, width) => {
        const size = 24
        const map = input('map', 'float32', [1, size, size])
        const { x, y } = paddedExtent({ width, height }, size)
        // a map that says where on the image it is, and something foreign beyond the image
        const place = (i: number, { before, length }: typeof x) => (i + 0.5 - before) / length
        const of = (row: number, column: number) => place(column, x) + 10 * place(row, y)
        const isInside = (i: number, { before, length }: typeof x) => i >= before && i < before + length // prettier-ignore
        const values = Array.from({ length: size ** 2 }, (_, i) => {
          const [row, column] = [Math.floor(i / size), i % size]
          return isInside(row, y) && isInside(column, x) ? of(row, column) : 1e6
        })
        const got = await run(
          { y: unpadded(map, image) },
          {
            map: floats('float32', [1, size, size], values),
            image: tensor('uint8', [1, height, width, 3], new Uint8Array(height * width * 3)),
          },
        )
        got['y']!.data.forEach((v, i) => {
          const [row, column] = [Math.floor(i / size), i % size]
          const whole = (at: number, { length }: typeof x) =>
            Math.min(Math.max((at + 0.5) / size, 0.5 / length), 1 - 0.5 / length)
          expect(v).toBeCloseTo(whole(column, x) + 10 * whole(row, y), 3)
        })
      }),
      { numRuns: 25 },
    )
  })

  it('normalises by channel', async () => {
    const x = input('x', 'float32', [1, 3, 1, 1])
    const got = await run(
      { y: normalise(x, [0.5, 0.4, 0.3], [0.1, 0.2, 0.3]) },
      { x: floats('float32', [1, 3, 1, 1], [255, 0, 127.5]) },
    )
    expect(got['y']!.data.map((v) => Math.round(v * 1e4) / 1e4)).toEqual([5, -2, 0.6667])
  })
})

const configs: FlowConfig[] = (['soft', 'hard', 'alternate'] as const).flatMap((permutation) =>
  [0, 8].map((condition) => ({
    depth: 5,
    condition,
    couplingLayers: 3,
    permutation,
    clamp: condition === 0 ? ('freia' as const) : ('paper' as const),
  })),
)

function wildFlow(config: FlowConfig, random: Random): ScaleFlow {
  const parameters = new Map(initialiseFlow(config, random, 'random'))
  for (const [name, t] of parameters)
    if (!name.endsWith('w_perm'))
      parameters.set(name, {
        ...t,
        data: t.data.map((v) => v + 0.5 * random.normal()) as Float32Array,
      })
  return { config, parameters }
}

describe('the folded flow', () => {
  it.each(configs)('equals the unfolded one: $permutation, C = $condition', async (config) => {
    const random = Random.seeded(9)
    const flow = wildFlow(config, random)
    const [h, w] = [3, 4]
    const map = input('map', 'float32', ['N', 5, h, w])
    const rows = rowsOfMap(map)
    const encoding = constant(
      floats(
        'float32',
        [2 * h * w, config.condition],
        twice(positionalEncoding(h, w, config.condition)),
      ),
    )
    const condition = config.condition > 0 ? conditionRows(encoding) : undefined
    const values = constantValues(flow.parameters)
    const latent = flowTransform(config).forward(rows, values, { condition })
    const unfolded = reshape(perDimension(latentLogLikelihood(latent), 5), [-1, h, w])
    const feeds = {
      map: floats(
        'float32',
        [2, 5, h, w],
        Float32Array.from({ length: 120 }, () => random.normal()),
      ),
    }
    const got = await run({ folded: likelihoodMap(map, flow, 'f'), unfolded }, feeds)
    got['folded']!.data.forEach((v, i) => {
      const e = got['unfolded']!.data[i]!
      expect(Math.abs(v - e) / (1 + Math.abs(e))).toBeLessThan(1e-5)
    })
  })
})

const twice = (a: Float64Array): number[] => [...a, ...a]

describe('the detector file', () => {
  const bytes = toyDetector()
  const pixels = (n: number, h: number, w: number) => {
    const r = Random.seeded(n)
    return Uint8Array.from({ length: n * h * w * 3 }, () => r.integer(256))
  }

  it('has the documented outputs for any N, H, W', async () => {
    for (const [n, h, w] of [
      [1, 16, 16],
      [3, 20, 33],
      [2, 7, 5],
    ] as const) {
      const got = await runBytes(bytes, { image: tensor('uint8', [n, h, w, 3], pixels(n, h, w)) })
      expect(got['anomaly_map']!.shape).toEqual([n, 32, 32])
      expect(got['score']!.shape).toEqual([n])
      expect(got[detectorNames.logLikelihood(1)]!.shape).toEqual([n, 4, 4])
      got['score']!.data.forEach((s, i) =>
        expect(s).toBe(Math.max(...got['anomaly_map']!.data.slice(i * 1024, (i + 1) * 1024))),
      )
    }
  })

  it('scores an image alone as in a batch, to 1e-5', async () => {
    const data = pixels(4, 24, 24)
    const together = await runBytes(bytes, { image: tensor('uint8', [4, 24, 24, 3], data) })
    for (let i = 0; i < 4; i++) {
      const one = data.slice(i * 1728, (i + 1) * 1728)
      const alone = await runBytes(bytes, { image: tensor('uint8', [1, 24, 24, 3], one) })
      const [a, b] = [alone['score']!.data[0]!, together['score']!.data[i]!]
      expect(Math.abs(a - b)).toBeLessThan(1e-5 * Math.abs(b))
    }
  })

  it('carries its manifest', () => {
    expect(parseManifest(readMetadata(bytes))).toEqual(toyManifest)
  })

  it('a file of a version that wrote no titles has one', () => {
    expect(methodTitle(toyManifest)).toBe('CFLOW-AD')
    expect(methodTitle({ ...toyManifest, method: 'mine' })).toBe('mine')
    expect(methodTitle({ ...toyManifest, method: 'mine', title: 'Mine' })).toBe('Mine')
  })

  it('a manifest that is missing, broken or from the future is refused with the reason', () => {
    const key = manifestKey
    expect(() => parseManifest({})).toThrow(/no "cflow"/)
    expect(() => parseManifest({ [key]: '{' })).toThrow(/not JSON/)
    expect(() => parseManifest({ [key]: '{"version": 2}' })).toThrow(/later version/)
    expect(() =>
      parseManifest({ [key]: JSON.stringify({ ...toyManifest, inputSize: -1 }) }),
    ).toThrow(/inputSize/)
  })

  it('is the same bytes for the same flows', () => {
    expect(toyDetector()).toEqual(bytes)
  })
})

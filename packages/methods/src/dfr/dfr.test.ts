import { Random, floats } from '@cflow/base'
import { featureSums } from '@cflow/core'
import { input } from '@cflow/graph'
import { beforeAll, expect, it } from 'vitest'
import { run } from '@cflow/runtimes/testing'
import { train } from '../../test/train.js'
import { componentsFor, eigenvalues } from '../eigenvalues.js'
import { meanRow, standardise } from '../training/moments.js'
import { autoencoderShapes, initialAutoencoder } from './autoencoder.js'
import { dfrHead, dfrLoss, type DfrModel } from './dfr.js'

const depth = 8
const random = Random.seeded(11)
const directions = Array.from({ length: 2 }, () =>
  Array.from({ length: depth }, () => random.normal()),
)

/** Vectors in a plane of the feature space, with a little noise, far from zero. */
function normalRows(count: number): Float32Array {
  const rows = new Float32Array(count * depth)
  for (let r = 0; r < count; r++) {
    const [a, b] = [random.normal(), random.normal()]
    for (let i = 0; i < depth; i++)
      rows[r * depth + i] =
        5 + a * directions[0]![i]! + b * directions[1]![i]! + 0.02 * random.normal()
  }
  return rows
}

function momentsOf(rows: Float32Array) {
  const m = featureSums(depth, 1, Float32Array.from(meanRow(rows, depth)))
  for (let r = 0; r < rows.length; r += depth) {
    m.images++
    for (let i = 0; i < depth; i++) {
      const a = rows[r + i]! - m.shift[i]!
      m.sum[i]! += a
      for (let j = 0; j < depth; j++) m.product[i * depth + j]! += a * (rows[r + j]! - m.shift[j]!)
    }
  }
  return m
}

let model: DfrModel
let losses: readonly number[]
beforeAll(async () => {
  const { correlation, ...scaling } = standardise(momentsOf(normalRows(400)))
  const net = { depth, latent: componentsFor(eigenvalues(correlation, depth), 0.9) }
  expect(net.latent).toBe(2)
  const batches = Array.from({ length: 300 }, () => normalRows(64))
  const trained = await train(
    {
      shapes: autoencoderShapes(net),
      start: initialAutoencoder(net, Random.seeded(1)),
      depth,
      loss: (rows, values) => dfrLoss(rows, scaling, values),
    },
    batches,
    1e-2,
  )
  losses = trained.losses
  model = { net, scaling, parameters: trained.parameters }
})

it('learns to reconstruct normal features', () => {
  expect(losses[0]).toBeGreaterThan(0.5)
  expect(losses.at(-1)).toBeLessThan(0.2 * losses[0]!)
})

it('finds the position that is not normal, at its place, whatever else is in the batch', async () => {
  const [height, width] = [4, 4]
  const maps = [0, 1].map((image) => {
    const rows = normalRows(height * width)
    if (image === 1) for (let i = 0; i < depth; i++) rows[(2 * width + 3) * depth + i]! += i % 2 ? 2 : -2 // prettier-ignore
    return Float32Array.from({ length: rows.length }, (_, i) => {
      const position = i % (height * width)
      return rows[position * depth + Math.floor(i / (height * width))]!
    })
  })
  const x = input('x', 'float32', ['N', depth, height, width])
  const head = dfrHead(model)
  const { map, score } = head.verdict(head.evidence([x]), 4, [])
  const judge = (images: Float32Array[]) =>
    run(
      { map, score },
      { x: floats('float32', [images.length, depth, height, width], images.flatMap((m) => [...m])) }, // prettier-ignore
    )
  const both = await judge(maps)
  expect(both['map']!.shape).toEqual([2, 4, 4])
  expect(both['score']!.data[1]).toBeGreaterThan(3 * both['score']!.data[0]!)
  const second = both['map']!.data.slice(16)
  expect(second.indexOf(Math.max(...second))).toBe(2 * width + 3)
  const alone = await judge([maps[1]!])
  expect(alone['score']!.data[0]).toBeCloseTo(both['score']!.data[1]!, 5)
})

it('standardises by the statistics of all rows, and says when there is nothing to learn', () => {
  const rows = Float32Array.from({ length: 80 }, (_, i) => 1000 + (i % depth) + (i % 3))
  const { mean, deviation } = standardise(momentsOf(rows))
  for (let i = 0; i < depth; i++) {
    const own = Array.from({ length: 10 }, (_, r) => rows[r * depth + i]!)
    const m = own.reduce((a, b) => a + b) / 10
    const v = own.reduce((a, b) => a + (b - m) ** 2, 0) / 10
    expect(mean[i]).toBeCloseTo(m, 3)
    expect(deviation[i]).toBeCloseTo(Math.sqrt(v), 5)
  }
  expect(() => standardise(momentsOf(new Float32Array(80).fill(3)))).toThrow(/do not vary/)
})

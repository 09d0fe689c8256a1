import { Random, floats, sizeOf } from '@cflow/base'
import { constantValues } from '@cflow/core'
import { input } from '@cflow/graph'
import { beforeAll, describe, expect, it } from 'vitest'
import { run } from '@cflow/runtimes/testing'
import { train } from '../../test/train.js'
import { flattened } from '../parameters.js'
import { differnetHead, type DiffernetModel } from './differnet.js'
import { differnetFlow, differnetLoss } from './flow.js'

describe('the flow', () => {
  const random = Random.seeded(2)
  const options = { couplingLayers: 3, hiddenLayers: 2, hiddenUnits: 6 }

  it.each([4, 5])('its log-determinant is that of the numerical Jacobian: depth %i', async (d) => {
    const flow = differnetFlow({ ...options, depth: d }, random)
    const values = new Map(
      flow.shapes.map(([name, shape]) => [
        name,
        floats(
          'float64',
          shape,
          Array.from({ length: sizeOf(shape) }, () => 0.4 * random.normal()),
        ),
      ]),
    )
    const x = input('x', 'float64', ['N', d])
    const { value: latent, logDeterminant } = flow.forward(x, constantValues(values), {})
    const at = Array.from({ length: d }, () => random.normal())
    const h = 1e-6
    const rows = [at]
    for (let i = 0; i < d; i++)
      for (const s of [h, -h]) rows.push(at.map((v, j) => (j === i ? v + s : v)))
    const feeds = { x: floats('float64', [rows.length, d], rows.flat()) }
    const got = await run({ latent, logDeterminant: logDeterminant! }, feeds)
    const z = (r: number, j: number) => got['latent']!.data[r * d + j]!
    const jacobian = Array.from({ length: d }, (_, j) =>
      Array.from({ length: d }, (_, i) => (z(1 + 2 * i, j) - z(2 + 2 * i, j)) / (2 * h)),
    )
    expect(got['logDeterminant']!.data[0]).toBeCloseTo(Math.log(Math.abs(determinant(jacobian))), 5)
  })

  it('starts as a permutation of its input', async () => {
    const flow = differnetFlow({ ...options, depth: 6 }, random)
    const values = constantValues(flow.initial(random, 'float32'))
    const x = input('x', 'float32', [1, 6])
    const { value: latent } = flow.forward(x, values, {})
    const got = await run({ latent }, { x: floats('float32', [1, 6], [1, 2, 3, 4, 5, 6]) })
    expect([...got['latent']!.data].sort()).toEqual([1, 2, 3, 4, 5, 6])
  })
})

function determinant(matrix: number[][]): number {
  const a = matrix.map((row) => [...row])
  let result = 1
  for (let k = 0; k < a.length; k++) {
    const pivot = a.reduce((p, row, i) => (i >= k && Math.abs(row[k]!) > Math.abs(a[p]![k]!) ? i : p), k) // prettier-ignore
    if (pivot !== k) {
      ;[a[k], a[pivot]] = [a[pivot]!, a[k]!]
      result = -result
    }
    result *= a[k]![k]!
    for (let i = k + 1; i < a.length; i++) {
      const f = a[i]![k]! / a[k]![k]!
      for (let j = k; j < a.length; j++) a[i]![j]! -= f * a[k]![j]!
    }
  }
  return result
}

describe('a trained one', () => {
  const depth = 4
  const random = Random.seeded(8)
  const row = () => {
    const [a, b] = [random.normal(), random.normal()]
    // a curved distribution: no Gaussian fits it
    return [a, a * a - 1 + 0.1 * b, b, Math.sin(2 * b) + 0.1 * a]
  }
  let losses: readonly number[]
  let model: DiffernetModel
  beforeAll(async () => {
    const flow = differnetFlow({ depth, couplingLayers: 4, hiddenLayers: 1, hiddenUnits: 16 }, random) // prettier-ignore
    const scaling = { mean: new Float32Array(depth), deviation: new Float32Array(depth).fill(1) }
    const batches = Array.from({ length: 250 }, () =>
      Float32Array.from(Array.from({ length: 64 }, row).flat()),
    )
    const { shapes } = flow
    const trained = await train(
      {
        ...{ shapes, depth, start: flattened(shapes, flow.initial(random, 'float32')) },
        loss: (rows, values) => differnetLoss(rows, flow, scaling, values),
      },
      batches,
      5e-3,
    )
    losses = trained.losses
    model = { flow, scaling, parameters: trained.parameters }
  })

  it('has a lower loss', () => {
    const mean = (part: readonly number[]) => part.reduce((a, b) => a + b) / part.length
    expect(mean(losses.slice(-20))).toBeLessThan(mean(losses.slice(0, 20)) - 0.3)
  })

  it('scores what is not normal higher, and its map runs from 0 to the score and peaks there', async () => {
    const size = 32
    const normal = row()
    const maps = [0, 1].map((image) =>
      Array.from({ length: depth * 16 }, (_, i) => {
        const [c, position] = [Math.floor(i / 16), i % 16]
        // all of the change lies at one position of 16
        return normal[c]! + (image === 1 && position === 5 ? 16 * [1.5, -3, 1, 2][c]! : 0)
      }),
    )
    const x = input('x', 'float32', ['N', depth, 4, 4])
    const head = differnetHead(model, 1)
    const outputs = head.verdict(head.evidence([x]), size, [])
    const feeds = { x: floats('float32', [2, depth, 4, 4], maps.flat()) }
    const { map, score } = await run({ ...outputs }, feeds)
    expect(score!.data[1]).toBeGreaterThan(2 * score!.data[0]!)
    const second = map!.data.slice(size * size)
    const peak = second.indexOf(Math.max(...second))
    expect(Math.min(...second)).toBe(0)
    expect(second[peak]).toBeCloseTo(score!.data[1]!, 3)
    // position 5 of 4×4 is the second in its row and column
    expect(Math.abs((peak % size) / (size - 1) - 1 / 3)).toBeLessThan(0.2)
    expect(Math.abs(Math.floor(peak / size) / (size - 1) - 1 / 3)).toBeLessThan(0.2)
    expect(map!.data.every(Number.isFinite)).toBe(true) // also where nothing stands out
  })
})

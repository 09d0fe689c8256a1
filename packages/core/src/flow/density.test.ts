import { Random, floats } from '@cflow/base'
import { openRuntime } from '@cflow/runtimes'
import { beforeAll, describe, expect, it } from 'vitest'
import { configOf, flat, golden, parametersOf } from '../../test/golden.js'
import { flowOf, initialiseFlow, logLikelihood, samples } from '../index.js'
import type { Engine, FlowConfig, ScaleFlow, Whitening } from '../index.js'

let runtime: Engine
beforeAll(async () => {
  runtime = await openRuntime({ threads: 1 })
})

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
const rows = (values: readonly number[][]) =>
  floats('float32', [values.length, values[0]!.length], flat([...values]))

describe('log-likelihoods in one call', () => {
  it.each([
    ['conditional', golden('flow').cflow_D6, configOf(6, 8, 2, 'paper')],
    ['unconditional', golden('flow').uflow_D6, configOf(6, 0, 2, 'paper')],
  ] as const)('are the golden ones: %s', async (_, g, config) => {
    const flow = flowOf({ config, parameters: parametersOf(g.state, 'float32') })
    const conditions = config.condition > 0 ? { conditions: rows(g.c) } : {}
    const logp = await logLikelihood(flow, rows(g.x), { runtime, ...conditions })
    g.logp.forEach((v, i) => expect(logp[i]).toBeCloseTo(v, 3))
  })
})

/** A flow that begins with a whitening, on a map of 2×3. */
const map = { height: 2, width: 3 }
const whitening: Whitening = {
  depth: 2,
  positions: 6,
  mean: Float32Array.from({ length: 12 }, (_, i) => i),
  matrix: Float32Array.of(2, 0, -1, 0.5),
  logDeterminant: 0,
}
const config: FlowConfig = {
  ...{ depth: 2, condition: 4, couplingLayers: 2 },
  ...{ permutation: 'alternate', clamp: 'paper' },
}
const parameters = initialiseFlow(config, Random.seeded(1), 'random')
const scale: ScaleFlow = { config, parameters, whitening }

describe('a flow over the positions of a map', () => {
  it('gives a vector the likelihood of its position', async () => {
    const flow = flowOf(scale, map)
    const x = rows(Array.from({ length: 6 }, (_, i) => [2 * i + 0.3, 2 * i + 1]))
    const inOrder = await logLikelihood(flow, x, { runtime })
    const some = rows([
      [8.3, 9],
      [0.3, 1],
    ])
    const chosen = await logLikelihood(flow, some, { runtime, positions: [4, 0] })
    expect(chosen[0]).toBeCloseTo(inOrder[4]!, 5)
    expect(chosen[1]).toBeCloseTo(inOrder[0]!, 5)
  })

  it('is normalised, and the density of its own samples', async () => {
    const flow = flowOf(scale, map)
    const at = (count: number, position: number) => new Array<number>(count).fill(position)
    const drawn = await samples(flow, 3000, {
      runtime,
      positions: at(3000, 3),
      random: Random.seeded(2),
    })
    expect(drawn.shape).toEqual([3000, 2])
    const column = (k: number) => Array.from({ length: 3000 }, (_, i) => drawn.data[2 * i + k]!)
    const centre = [0, 1].map((k) => mean(column(k)))
    const spread = [0, 1].map(
      (k) => 2 * Math.sqrt(mean(column(k).map((v) => (v - centre[k]!) ** 2))),
    )
    // importance sampling from a wider Gaussian
    const random = Random.seeded(5)
    const z = Array.from({ length: 8000 }, () => [random.normal(), random.normal()])
    const x = z.map((v) => v.map((u, k) => centre[k]! + spread[k]! * u))
    const logp = await logLikelihood(flow, rows(x), { runtime, positions: at(8000, 3) })
    const volume = Math.log(2 * Math.PI * spread[0]! * spread[1]!)
    const ratios = z.map(([a, b], i) => Math.exp(logp[i]! + volume + 0.5 * (a! ** 2 + b! ** 2)))
    expect(Math.abs(mean(ratios) - 1)).toBeLessThan(0.05)
    const own = await logLikelihood(flow, drawn, { runtime, positions: at(3000, 3) })
    const entropy = mean(ratios.map((r, i) => r * logp[i]!))
    expect(Math.abs(mean(Array.from(own)) - entropy)).toBeLessThan(0.1)
  })
})

describe('errors speak of the argument', () => {
  const conditional = flowOf({ config, parameters })
  const x = rows([[1, 2]])
  const fails = (work: Promise<unknown>, code: string, subject: string) =>
    expect(work).rejects.toThrow(expect.objectContaining({ code, subject }))

  it('that is missing or does not fit', async () => {
    await fails(logLikelihood(conditional, x, { runtime }), 'USAGE', 'conditions')
    await fails(logLikelihood(flowOf(scale, map), x, { runtime }), 'USAGE', 'positions')
    await fails(
      logLikelihood(flowOf(scale, map), x, { runtime, positions: [6] }),
      'USAGE',
      'positions',
    )
    await fails(logLikelihood(conditional, rows([[1, 2, 3]]), { runtime }), 'SHAPE', 'vectors')
    await fails(
      logLikelihood(flowOf({ config, parameters: new Map() }), x, {
        runtime,
        conditions: rows([[0, 0, 0, 0]]),
      }),
      'WEIGHTS',
      'module_list.0.subnet.0.weight',
    )
    expect(() => flowOf(scale)).toThrow(/whitened at 6 positions/)
  })
})

import { floats, Random } from '@cflow/base'
import { constant, gradients, input, reduceSum } from '@cflow/graph'
import { describe, expect, it } from 'vitest'
import { configOf, flat, golden, matrix, parametersOf, type GoldenFlow } from '../../test/golden.js'
import { run } from '@cflow/runtimes/testing'
import {
  conditionRows,
  constantValues,
  flowTransform,
  initialiseFlow,
  latentLogLikelihood,
  lossOf,
  perDimension,
} from '../index.js'
import type { FlowConfig, FlowParameters } from '../index.js'

const close = (actual: readonly number[], expected: readonly number[], tolerance = 1e-9) => {
  expect(actual.length).toBe(expected.length)
  actual.forEach((v, i) => {
    const e = expected[i] as number
    expect(Math.abs(v - e) / (1 + Math.abs(e))).toBeLessThan(tolerance)
  })
}

/** Both directions of a flow, as one run. */
async function both(
  config: FlowConfig,
  parameters: FlowParameters,
  x: number[][],
  c: number[][],
  dtype: 'float32' | 'float64' = 'float64',
) {
  const rows = x.length
  const xv = input('x', dtype, [rows, config.depth])
  const cv = input('c', dtype, [rows, config.condition])
  const condition = config.condition > 0 ? conditionRows(cv) : undefined
  const [flow, values] = [flowTransform(config), constantValues(parameters)]
  const forward = flow.forward(xv, values, { condition })
  const back = flow.inverse(forward.value, values, { condition })
  const logp = latentLogLikelihood(forward)
  const l = perDimension(logp, config.depth)
  return run(
    {
      z: forward.value,
      logdet: forward.logDeterminant!,
      back: back.value,
      logdetBack: back.logDeterminant!,
      logp,
      l,
      loss: lossOf(l, 'logsigmoid'),
      nll: lossOf(l, 'nll'),
    },
    {
      x: floats(dtype, [rows, config.depth], flat(x)),
      c: floats(dtype, [rows, config.condition], config.condition > 0 ? flat(c) : []),
    },
  )
}

describe.each(['flow', 'flow_new_clamp'] as const)('golden values: %s', (file) => {
  const g = golden(file)
  const clamp = file === 'flow' ? 'paper' : 'freia'
  const flows: [string, GoldenFlow, FlowConfig][] = [
    ['conditional, D = 6', g.cflow_D6, configOf(6, 8, 2, clamp)],
    ['conditional, D = 5', g.cflow_D5_odd, configOf(5, 8, 2, clamp)],
    ['unconditional', g.uflow_D6, configOf(6, 0, 2, clamp)],
  ]
  it.each(flows)('%s, float64 to 1e-9', async (_, flow, config) => {
    const got = await both(config, parametersOf(flow.state), flow.x, flow.c)
    close(got['z']!.data, flat(flow.z))
    close(got['logdet']!.data, flow.logdet)
    close(got['logp']!.data, flow.logp)
    close(got['l']!.data, flow.logp_per_dim)
    close(got['loss']!.data, [flow.loss_mean])
    close(got['nll']!.data, [-flow.logp_per_dim.reduce((a, b) => a + b, 0) / flow.x.length])
  })
  it.each(flows)('%s, float32 to 1e-4', async (_, flow, config) => {
    const got = await both(config, parametersOf(flow.state, 'float32'), flow.x, flow.c, 'float32')
    close(got['z']!.data, flat(flow.z), 1e-4)
    close(got['logp']!.data, flow.logp, 1e-4)
  })
  it('hard permutation', async () => {
    const flow = g.block_hard_perm_D6
    const got = await both(
      configOf(6, 8, 1, clamp, 'hard'),
      parametersOf(flow.state),
      flow.x,
      flow.c,
    )
    close(got['z']!.data, flat(flow.z))
    close(got['logdet']!.data, flow.logdet)
  })
})

/** Random parameters far from the start, so that nothing hides behind zeros. */
function wild(config: FlowConfig, random: Random) {
  const parameters = new Map(initialiseFlow(config, random, 'random', 'float64'))
  for (const [name, t] of parameters)
    if (!name.endsWith('w_perm'))
      parameters.set(name, { ...t, data: t.data.map((v) => v + random.normal()) as Float64Array })
  return parameters
}

const rowsOf = (random: Random, n: number, d: number) =>
  Array.from({ length: n }, () => Array.from({ length: d }, () => random.normal()))

describe('a flow', () => {
  it('starts as the identity when asked to', async () => {
    const random = Random.seeded(1)
    const config = { ...configOf(5, 4, 3, 'paper'), permutation: 'alternate' as const }
    const x = rowsOf(random, 4, 5)
    const parameters = initialiseFlow(config, random, 'identity', 'float64')
    const got = await both(config, parameters, x, rowsOf(random, 4, 4))
    close(got['z']!.data, flat(x), 1e-15)
    close(got['logdet']!.data, [0, 0, 0, 0], 1e-15)
  })

  it('differentiates: the gradient by the input is the numerical one', async () => {
    const random = Random.seeded(5)
    const config = configOf(4, 4, 2, 'paper')
    const values = constantValues(wild(config, random))
    const x = input('x', 'float64', [1, 4])
    const c = constant(matrix(rowsOf(random, 1, 4)))
    const logp = latentLogLikelihood(
      flowTransform(config).forward(x, values, { condition: conditionRows(c) }),
    )
    const [d] = gradients(reduceSum(logp, [0]), [x])
    const at = rowsOf(random, 1, 4)[0] as number[]
    const value = async (v: number[]) =>
      (await run({ logp }, { x: floats('float64', [1, 4], v) }))['logp']!.data[0]!
    const got = await run({ d: d! }, { x: floats('float64', [1, 4], at) })
    for (let j = 0; j < 4; j++) {
      const step = (h: number) => value(at.map((v, i) => (i === j ? v + h : v)))
      expect(got['d']!.data[j]).toBeCloseTo(((await step(1e-6)) - (await step(-1e-6))) / 2e-6, 5)
    }
  })
})

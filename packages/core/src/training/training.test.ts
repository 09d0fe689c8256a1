import { floats } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import { writeOnnx } from '@cflow/graph'
import { describe, expect, it } from 'vitest'
import { configOf, flat, golden, parametersOf } from '../../test/golden.js'
import { run, runBytes } from '../../test/run.js'
import {
  adamFeeds,
  cosineLearningRate,
  flatten,
  lossAndGradient,
  paperCosine,
  paperLearningRate,
  parameterShapes,
  trainingStep,
  unflatten,
} from '../index.js'

/** Within 1e-9, relative to 1 plus the expected size. */
const near = (actual: number, expected: number, what?: string) =>
  expect(Math.abs(actual - expected) / (1 + Math.abs(expected)), what).toBeLessThan(1e-9)

const options = { rows: 16, positions: 16, loss: 'logsigmoid', dtype: 'float64' } as const

describe.each(['flow', 'flow_new_clamp'] as const)(
  'Adam on the flow, golden values: %s',
  (file) => {
    const g = golden(file)['adam_zero_grad_set_to_none_(torch>=2)']
    const config = configOf(6, 8, 2, file === 'flow' ? 'paper' : 'freia')
    /** The first decoder has depth 6, the second 4. */
    const depths = [6, 4]
    const feedsAt = (decoder: number, i: number): Record<string, Tensor> => ({
      features: floats('float64', [16, depths[decoder]!], flat(g.X[decoder]![i]!)),
      condition: floats('float64', [16, 8], flat(g.C[i]!)),
    })

    it('first gradient to 1e-9', async () => {
      const parameters = parametersOf(g.init[0]!)
      const { loss, gradient } = lossAndGradient(config, parameters, options)
      const got = await run(
        { loss, gradient },
        { ...feedsAt(0, 0), theta: flatten(config, parameters) },
      )
      near(got['loss']!.data[0]!, g.losses[0]!)
      const expected = parameterShapes(config).flatMap(([name]) => flat(g.grads_step0[name]!.data))
      got['gradient']!.data.forEach((v, i) => near(v, expected[i]!))
    })

    it('losses and parameters after six steps over two decoders', async () => {
      const states = g.init.map((init, k) => {
        const decoder = { ...config, depth: depths[k]! }
        const parameters = parametersOf(init)
        const theta = flatten(decoder, parameters)
        const zeros = () => floats('float64', theta.shape, new Float64Array(theta.data.length))
        return { config: decoder, parameters, theta, m: zeros(), v: zeros(), t: 0 }
      })
      for (const [step, k] of g.seq.entries()) {
        const s = states[k]!
        s.t++
        const scalars = adamFeeds(2e-4, s.t)
        const got = await runBytes(trainingStep(s.config, s.parameters, options), {
          ...feedsAt(k, s.t - 1),
          theta: s.theta,
          m: s.m,
          v: s.v,
          rate: floats('float64', [], [scalars.rate]),
          correction: floats('float64', [], [scalars.correction]),
        })
        near(got['loss']!.data[0]!, g.losses[step]!, `loss of step ${step}`)
        for (const key of ['theta', 'm', 'v'] as const)
          s[key] = floats('float64', s.theta.shape, got[`${key}_next`]!.data)
      }
      states.forEach((s, k) => {
        const final = unflatten(s.config, s.theta, s.parameters)
        for (const [name] of parameterShapes(s.config)) {
          const expected = flat(g.final[k]![name]!.data)
          final
            .get(name)!
            .data.forEach((v, i) =>
              expect(Math.abs(v - expected[i]!), name).toBeLessThan(
                1e-9 * (1 + Math.abs(expected[i]!)),
              ),
            )
        }
      })
    })
  },
)

describe('learning rates', () => {
  const { lr, I, sub_epochs, rows } = golden('flow').lr_schedule
  const schedule = {
    learningRate: lr,
    metaEpochs: 25,
    passesPerMetaEpoch: sub_epochs,
    batchesPerPass: I,
  }
  it('follow the authors’ schedule', () => {
    for (const row of rows) {
      expect(paperCosine(schedule, row.epoch)).toBeCloseTo(row.cosine, 15)
      if (row.warm_first === undefined) {
        expect(paperLearningRate(schedule, row.epoch * sub_epochs, 3)).toBeCloseTo(row.cosine, 15)
        continue
      }
      expect(paperLearningRate(schedule, row.epoch * sub_epochs, 0)).toBeCloseTo(row.warm_first, 15)
      const last = paperLearningRate(schedule, row.epoch * sub_epochs + sub_epochs - 1, I - 1)
      expect(last).toBeCloseTo(row.warm_last!, 15)
    }
  })
  it('rise, then fall to almost nothing', () => {
    const all = Array.from({ length: 500 }, (_, i) => cosineLearningRate(1e-3, i, 500))
    expect(all[0]).toBeLessThan(1e-4)
    expect(Math.max(...all)).toBeGreaterThan(0.99e-3)
    expect(all.at(-1)).toBeLessThan(1e-7)
    expect(all.every((v) => v > 0)).toBe(true)
  })
})

it('a training step does not depend on how many positions it is told of', async () => {
  const g = golden('flow').cflow_D6
  const config = configOf(6, 8, 2, 'paper')
  const parameters = parametersOf(g.state)
  const theta = flatten(config, parameters)
  const x = [...g.x, ...g.z].flat()
  const grad = async (positions: number, c: number[]) => {
    const { gradient } = lossAndGradient(config, parameters, { ...options, rows: 8, positions })
    const got = await runBytes(writeOnnx({ gradient }), {
      features: floats('float64', [8, 6], x),
      condition: floats('float64', [positions, 8], c),
      theta,
    })
    return got['gradient']!.data
  }
  const few = await grad(4, g.c.flat())
  const many = await grad(8, [...g.c, ...g.c].flat())
  few.forEach((v, i) => expect(v).toBeCloseTo(many[i]!, 8))
})

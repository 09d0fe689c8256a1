import { Random, floats, type Tensor } from '@cflow/base'
import { concat, reduceSum, reshape, square, writeOnnx } from '@cflow/graph'
import { describe, expect, it } from 'vitest'
import { configOf, flat, golden, parametersOf } from '../../test/golden.js'
import { run, runBytes } from '@cflow/runtimes/testing'
import {
  adamFeeds,
  cosineLearningRate,
  flatten,
  initialiseFlow,
  joinState,
  lossAndGradient,
  optimisationStep,
  paperCosine,
  paperLearningRate,
  parameterShapes,
  positionalEncoding,
  splitState,
  stateGroups,
  stateNames,
  stepState,
  trainable,
  trainingStep,
  trainingSteps,
  unflatten,
} from '../index.js'
import type { FlatState, StepPositions } from '../index.js'

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
          epsilon: floats('float64', [], [scalars.epsilon]),
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

describe('a training step does not depend on', () => {
  const g = golden('flow').cflow_D6
  const config = configOf(6, 8, 2, 'paper')
  const parameters = parametersOf(g.state)
  const theta = flatten(config, parameters)
  const features = floats('float64', [8, 6], [...g.x, ...g.z].flat())
  const gradient = async (positions: StepPositions, feeds: Record<string, Tensor>) => {
    const values = lossAndGradient(config, parameters, { ...options, rows: 8, positions })
    const { gradient } = await runBytes(writeOnnx({ gradient: values.gradient }), {
      features,
      theta,
      ...feeds,
    })
    return gradient!.data
  }
  const conditions = (rows: number[][]) => ({
    condition: floats('float64', [rows.length, 8], rows.flat()),
  })

  it('how many positions it is told of', async () => {
    const few = await gradient(4, conditions(g.c))
    const many = await gradient(8, conditions([...g.c, ...g.c]))
    few.forEach((v, i) => near(v, many[i]!))
  })

  it.each([
    ['of every row', [0, 5, 11, 5, 3, 8, 2, 10]],
    ['that rows run through again', [0, 5, 11, 3]],
  ])('whether positions %s are given by axis or as conditions', async (_, positions) => {
    const [height, width] = [3, 4]
    const encoding = positionalEncoding(height, width, 8)
    const axes = positions.flatMap((p) =>
      Array.from({ length: width + height }, (_, i) =>
        i === p % width || i === width + Math.floor(p / width) ? 1 : 0,
      ),
    )
    const rows = positions.map((p) => Array.from(encoding.subarray(8 * p, 8 * p + 8)))
    const byCondition = await gradient(positions.length, conditions(rows))
    const byPlace = await gradient(
      { positions: positions.length, width, height },
      { axes: floats('float64', [positions.length, width + height], axes) },
    )
    byPlace.forEach((v, i) => near(v, byCondition[i]!))
  })

  it('how many steps are one run', async () => {
    const one = { rows: 4, positions: 4, loss: 'logsigmoid' } as const
    const flow = initialiseFlow(config, Random.seeded(1, 'steps'), 'random')
    const groups = stepState(config)
    const theta = flatten(config, flow).data as Float32Array
    const zeros = new Float32Array(theta.length)
    const start = splitState(groups, { theta, m: zeros, v: zeros })
    const [x, c] = [[...g.x, ...g.z].flat(), [...g.c, ...g.c].flat()]
    const steps = [1, 2].map((t) => adamFeeds(0.01, t))
    const feeds = (shape: number[], from: number, to: number) => ({
      features: floats('float32', [...shape, 4, 6], x.slice(from * 24, to * 24)),
      condition: floats('float32', [...shape, 4, 8], c.slice(from * 32, to * 32)),
      rate: floats('float32', shape, steps.slice(from, to).map((s) => s.rate)), // prettier-ignore
      epsilon: floats('float32', shape, steps.slice(from, to).map((s) => s.epsilon)), // prettier-ignore
    })
    const carried = (got: Awaited<ReturnType<typeof runBytes>>) =>
      Object.fromEntries(
        Object.entries(stateNames(groups)).map(([output, name]) => {
          const { shape, data } = got[output]!
          return [name, floats('float32', shape, data)]
        }),
      )
    const single = trainingStep(config, flow, one)
    const first = await runBytes(single, { ...start, ...feeds([], 0, 1) })
    const second = await runBytes(single, { ...carried(first), ...feeds([], 1, 2) })
    const both = await runBytes(trainingSteps(config, flow, one), { ...start, ...feeds([2], 0, 2) })
    expect(both['loss']).toEqual({ shape: [2], data: [first, second].flatMap((r) => r['loss']!.data) }) // prettier-ignore
    expect(carried(both)).toEqual(carried(second))
    expect(carried(both)).not.toEqual(start)
  })

  it('how its state is cut', async () => {
    const shapes = parameterShapes(config)
    const start: FlatState = {
      theta: Float32Array.from(theta.data),
      m: Float32Array.from(theta.data, (v) => v / 3),
      v: Float32Array.from(theta.data, (v) => v * v),
    }
    const after = async (ownFrom: number) => {
      const groups = stateGroups(shapes, ownFrom)
      const parameters = trainable(shapes, 'float32', groups)
      const loss = reduceSum(
        square(
          concat(
            [...parameters.byName.values()].map((v) => reshape(v, [-1])),
            0,
          ),
        ),
        [0],
      )
      const got = await runBytes(optimisationStep(loss, parameters), {
        ...splitState(groups, start),
        rate: floats('float32', [], [0.01]),
        epsilon: floats('float32', [], [1e-8]),
      })
      const state = Object.entries(stateNames(groups)).map(([output, name]) => {
        const { shape, data } = got[output]!
        return [name, floats('float32', shape, data)] as const
      })
      return { groups, state: joinState(groups, Object.fromEntries(state)) }
    }
    const [flat, cut] = [await after(Infinity), await after(50)]
    expect(flat.groups.length).toBe(1)
    expect(cut.groups.length).toBeGreaterThan(2)
    expect(cut.state).toEqual(flat.state)
    expect(flat.state.theta).not.toEqual(start.theta)
  })
})

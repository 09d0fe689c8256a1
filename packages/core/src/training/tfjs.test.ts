import { Random, floats, messageOf, type Tensor } from '@cflow/base'
import { openRuntime, type Runtime } from '@cflow/runtimes'
import { describe, expect, it } from 'vitest'
import { flatten, initialiseFlow, type FlowConfig } from '../index.js'
import {
  adamFeeds,
  splitState,
  stateNames,
  stepState,
  trainingStep,
  trainingSteps,
} from '../index.js'
import { joinState } from './state.js'

const [steps, rows, width, height] = [50, 24, 4, 3]

const flows: Readonly<Record<string, { config: FlowConfig; byAxis: boolean; loss: 'nll' | 'logsigmoid' }>> = {
  'the default recipe’s': {
    config: { depth: 12, condition: 16, couplingLayers: 4, permutation: 'alternate', clamp: 'paper' },
    byAxis: true,
    loss: 'nll',
  },
  'the paper’s': {
    config: { depth: 10, condition: 8, couplingLayers: 8, permutation: 'soft', clamp: 'paper' },
    byAxis: false,
    loss: 'logsigmoid',
  },
} // prettier-ignore

/** Steps from a seed. @param perRun how many are one run. @returns the loss before each, and all parameters at the end */
async function train(runtime: Runtime, which: string, perRun: number) {
  const { config, byAxis, loss } = flows[which]!
  const random = Random.seeded(5, which)
  const initial = initialiseFlow(config, random, 'random')
  const groups = stepState(config)
  const positions = byAxis ? ({ positions: 6, width, height } as const) : 6
  const options = { rows, positions, loss }
  const graph = perRun === 1 ? trainingStep : trainingSteps
  const session = await runtime.createSession(graph(config, initial, options), { state: stateNames(groups) }) // prettier-ignore
  const theta = flatten(config, initial).data as Float32Array
  session.setState(splitState(groups, { theta, m: theta.map(() => 0), v: theta.map(() => 0) }))
  const losses: number[] = []
  for (let from = 1; from <= steps; from += perRun) {
    const drawn = (columns: number, count: number, draw: (i: number) => number): Tensor => {
      const shape = [...(perRun === 1 ? [] : [perRun]), count, columns]
      const size = perRun * count * columns
      return floats(
        'float32',
        shape,
        Float32Array.from({ length: size }, (_, i) => draw(i)),
      )
    }
    const axes = width + height
    const scalars = Array.from({ length: perRun }, (_, i) => adamFeeds(2e-3, from + i))
    const shape = perRun === 1 ? [] : [perRun]
    // whatever the cut into runs, a step draws the same
    const feeds = {
      features: drawn(config.depth, rows, () => random.normal() * 1.5 + 0.3),
      ...(byAxis
        ? { axes: drawn(axes, 6, (i) => Number(i % axes === 1 || i % axes === width + (i % height))) } // prettier-ignore
        : { condition: drawn(config.condition, 6, (i) => Math.sin(i)) }),
      rate: floats('float32', shape, scalars.map((s) => s.rate)), // prettier-ignore
      epsilon: floats('float32', shape, scalars.map((s) => s.epsilon)), // prettier-ignore
    }
    losses.push(...((await session.run(feeds))['loss']!.data as Float32Array))
  }
  const end = joinState(groups, await session.getState())
  await session.release()
  return { losses, theta: end.theta }
}

const apart = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((most, v, i) => Math.max(most, Math.abs(v - b[i]!) / (Math.abs(b[i]!) || 1)), 0) // prettier-ignore

describe.each(['cpu', 'wasm', 'tensorflow'])('on TensorFlow.js (%s)', async (device) => {
  const opened = openRuntime({ device: `tfjs:${device}` })
  const missing =
    device === 'tensorflow' ? await opened.then(() => undefined, messageOf) : undefined
  it.for(Object.keys(flows))(
    'fifty steps of %s flow are those of onnxruntime',
    async (which, context) => {
      if (missing !== undefined) return context.skip(missing)
      const expected = await train(await openRuntime({ threads: 1 }), which, 1)
      const got = await train(await opened, which, 1)
      expect(expected.losses).toHaveLength(steps)
      expect(expected.losses.at(-1)).toBeLessThan(expected.losses[0]!)
      expect(apart(got.losses, expected.losses)).toBeLessThan(1e-4)
      const scale = Math.max(...expected.theta.map(Math.abs))
      got.theta.forEach((v, i) =>
        expect(Math.abs(v - expected.theta[i]!)).toBeLessThan(1e-3 * scale),
      )
    },
  )

  it('many steps in one run are the same as one by one', async (context) => {
    if (missing !== undefined) return context.skip(missing)
    const [which] = Object.keys(flows) as [string]
    const runtime = await opened
    const [one, many] = [await train(runtime, which, 1), await train(runtime, which, 10)]
    expect(many.losses[0]).toBe(one.losses[0])
    expect(many.losses.every(Number.isFinite)).toBe(true)
    const onnx = await train(await openRuntime({ threads: 1 }), which, 10)
    expect(apart(many.losses, onnx.losses)).toBeLessThan(1e-4)
  })
})

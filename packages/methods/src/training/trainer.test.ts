import { Random } from '@cflow/base'
import { initialiseFlow, type FlowConfig } from '@cflow/core'
import { openRuntime, type Runtime } from '@cflow/runtimes'
import { afterEach, expect, it, vi } from 'vitest'
import { flowTrainer } from '../cflow/flow-trainer.js'
import { samplings } from './sampling.js'

const tap = { name: '', channels: 8, stride: 8, height: 16, width: 16 }
const config: FlowConfig = {
  depth: 8,
  condition: 16,
  couplingLayers: 2,
  permutation: 'alternate',
  clamp: 'paper',
}
const random = Random.seeded(1, 'scale')
const flow = { config, parameters: initialiseFlow(config, random, 'random') }
const sampling = samplings.grouped
const shape = sampling.shape(256, 64, 8)
const chunk = Array.from({ length: 8 }, () =>
  Float32Array.from({ length: 256 * 8 }, () => random.normal()),
)
const selections = [...sampling.select(shape, 256, 8, random)].slice(0, 16)

const trainerOn = (runtime: Runtime) => flowTrainer(runtime, tap, flow, shape, sampling, 'nll')

afterEach(() => vi.restoreAllMocks())

it('learns the same, however the steps are divided into runs', async () => {
  const runtime = await openRuntime()
  const learned = async (...runs: readonly number[]) => {
    const trainer = await trainerOn(runtime)
    const losses: number[] = []
    let from = 0
    for (const n of runs) {
      const some = selections.slice(from, (from += n))
      losses.push(...(await trainer.step(chunk, some, some.map(() => 1e-3)))) // prettier-ignore
    }
    const { theta } = await trainer.state()
    await trainer.release()
    return { theta, losses }
  }
  const one = await learned(...selections.map(() => 1))
  const some = await learned(3, 1, 8, 4)
  expect(some.losses).toEqual(one.losses)
  const bytes = ({ theta }: typeof one) => Buffer.from(theta.data.buffer)
  expect(Buffer.compare(bytes(some), bytes(one))).toBe(0)
})

it('a run takes about half a second, at the speed that the runtime has', async () => {
  const runtime = await openRuntime()
  let clock = 0
  let speed = 0
  vi.spyOn(performance, 'now').mockImplementation(() => clock)
  const clocked: Runtime = {
    ...runtime,
    async createSession(model, options) {
      const session = await runtime.createSession(model, options)
      return {
        ...session,
        run(feeds, outputs) {
          clock += speed * (feeds['rate']?.data.length ?? NaN)
          return session.run(feeds, outputs)
        },
      }
    },
  }
  const trainer = await trainerOn(clocked)
  const after = async (milliseconds: number) => {
    speed = milliseconds
    const some = selections.slice(0, trainer.maxSteps)
    await trainer.step(
      chunk,
      some,
      some.map(() => 1e-3),
    )
    return trainer.maxSteps
  }
  expect(trainer.maxSteps).toBe(1)
  expect(await after(100)).toBe(5)
  expect(await after(40)).toBe(12)
  expect(await after(200)).toBe(2)
  expect(await after(9000)).toBe(1)
  expect(await after(1)).toBe(16)
  await trainer.release()
})

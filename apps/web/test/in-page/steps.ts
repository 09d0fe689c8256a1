import { Random, floats } from '@cflow/base'
import {
  adamFeeds,
  flatten,
  initialiseFlow,
  splitState,
  stateNames,
  stepNames,
  stepState,
  trainingStep,
  type FlowConfig,
} from '@cflow/core'
import type { Runtime } from '@cflow/runtimes'

const config: FlowConfig = {
  depth: 12,
  condition: 8,
  couplingLayers: 2,
  permutation: 'alternate',
  clamp: 'paper',
}
const rows = 32

/** A few optimisation steps of a small flow, the same on every runtime. @returns the loss before each */
export async function lossesOf(runtime: Runtime): Promise<number[]> {
  const random = Random.seeded(0, 'steps')
  const initial = initialiseFlow(config, random, 'random')
  const groups = stepState(config)
  const session = await runtime.createSession(
    trainingStep(config, initial, { rows, positions: rows, loss: 'nll' }),
    { state: stateNames(groups) },
  )
  const theta = flatten(config, initial).data as Float32Array
  const zeros = new Float32Array(theta.length)
  session.setState(splitState(groups, { theta, m: zeros, v: zeros }))
  const drawn = (columns: number) =>
    floats(
      'float32',
      [rows, columns],
      Float32Array.from({ length: rows * columns }, () => random.normal()),
    )
  const losses: number[] = []
  for (let step = 1; step <= 5; step++) {
    const { rate, epsilon } = adamFeeds(1e-2, step)
    const got = await session.run({
      [stepNames.features]: drawn(config.depth),
      [stepNames.condition]: drawn(config.condition),
      [stepNames.rate]: floats('float32', [], [rate]),
      [stepNames.epsilon]: floats('float32', [], [epsilon]),
    })
    losses.push(Number(got[stepNames.loss]?.data[0]))
  }
  await session.release()
  return losses
}

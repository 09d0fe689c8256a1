import { floats, zeros } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import { adamFeeds, optimiserNames, stateGroups, stateNames } from '@cflow/core'
import type { Runtime, Tensors } from '@cflow/runtimes'

/** A training step file and the parameters it moves. */
export interface Optimiser {
  /** One step. @returns the loss before it */
  step(feeds: Tensors, learningRate: number): Promise<number>
  /** All parameters, flat. */
  parameters(): Promise<Float32Array>
  release(): Promise<void>
}

/** @param step what `optimisationStep` wrote @param theta where it starts */
export async function optimiser(
  runtime: Runtime,
  step: Uint8Array,
  theta: Float32Array,
): Promise<Optimiser> {
  const flat = stateGroups([['theta', [theta.length]]], Infinity)
  const session = await runtime.createSession(step, { state: stateNames(flat) })
  const shape = [theta.length]
  session.setState({
    theta: floats('float32', shape, theta),
    m: zeros('float32', shape),
    v: zeros('float32', shape),
  })
  let steps = 0
  const scalar = (value: number) => floats('float32', [], [value])
  return {
    async step(feeds, learningRate) {
      const { rate, epsilon } = adamFeeds(learningRate, ++steps)
      const got = await session.run({
        ...feeds,
        [optimiserNames.rate]: scalar(rate),
        [optimiserNames.epsilon]: scalar(epsilon),
      })
      return got[optimiserNames.loss]?.data[0] as number
    },
    async parameters() {
      return ((await session.getState())['theta'] as Tensor<'float32'>).data
    },
    release: () => session.release(),
  }
}

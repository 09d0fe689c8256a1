import { expectReadmeExample } from '@cflow/base/testing'
import { expect, it } from 'vitest'
import { Random, floats } from '@cflow/base'
import { flowOf, initialiseFlow, logLikelihood, samples, type FlowConfig } from '@cflow/core'
import { openRuntime } from '@cflow/runtimes'

const config: FlowConfig = {
  depth: 16, // D, the length of a feature vector
  condition: 0, // C, the length of its position’s encoding; 0 for an unconditional flow
  couplingLayers: 4,
  permutation: 'hard',
  clamp: 'paper',
}
const random = Random.seeded(0)
const flow = flowOf({ config, parameters: initialiseFlow(config, random, 'random') })
const runtime = await openRuntime()
const drawn = await samples(flow, 100, { runtime, random }) // [100, 16]
const nats = await logLikelihood(flow, drawn, { runtime }) // ln p of each, [100]
const far = floats('float32', [1, 16], new Array<number>(16).fill(10))
const [unlikely] = await logLikelihood(flow, far, { runtime })

it('runs the example of the README', () => {
  expect(nats).toHaveLength(100)
  expect(unlikely).toBeLessThan(Math.min(...nats))
  expectReadmeExample(import.meta.url)
})

// metrics, and a flow as a density: plain JavaScript in Node
import { strict as assert } from 'node:assert'
import { Random, floats } from '@cflow/base'
import { flowOf, initialiseFlow, logLikelihood, samples } from '@cflow/core'
import { auroc } from '@cflow/metrics'
import { openRuntime } from '@cflow/runtimes'

assert.equal(auroc([0.1, 0.4, 0.35, 0.8], [0, 0, 1, 1]), 0.75)

const config = { depth: 8, condition: 0, couplingLayers: 2, permutation: 'hard', clamp: 'paper' }
const random = Random.seeded(0)
const flow = flowOf({ config, parameters: initialiseFlow(config, random, 'random') })
const runtime = await openRuntime()
const drawn = await samples(flow, 50, { runtime, random })
assert.deepEqual(drawn.shape, [50, 8])
const own = await logLikelihood(flow, drawn, { runtime })
const far = floats('float32', [1, 8], new Array(8).fill(10))
const [unlikely] = await logLikelihood(flow, far, { runtime })
assert(own.every((nats) => nats > unlikely))
console.log('ok')

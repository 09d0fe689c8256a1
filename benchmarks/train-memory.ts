/**
 * Peak resident size of one training pass over synthetic images, as JSON.
 *
 *     node --conditions=@cflow/source --import tsx benchmarks/train-memory.ts ENCODER IMAGES
 */
import { Random } from '../packages/base/src/index.js'
import { syntheticDataset } from '../packages/datasets/src/index.js'
import { encoderSpec } from '../packages/encoders/src/index.js'
import { encoderModel, fit, resolveConfig } from '../packages/trainer/src/index.js'
import { nodeRuntime } from '../packages/runtimes/src/node.js'
import { randomWeights } from './random-weights.js'

const [encoder = 'efficientnet-lite0', images = '32'] = process.argv.slice(2)
const config = resolveConfig({ encoder, passes: 1 })
const spec = encoderSpec(encoder)
const weights = randomWeights(spec, Random.seeded(0, 'weights'))
const model = encoderModel(spec, weights, config.poolLayers, config.inputSize)
// images are drawn when they are asked for, eight different ones again and again
const { train } = syntheticDataset({ kind: 'cable', size: 256, train: 8, test: 1 })
const samples = Array.from({ length: Number(images) }, (_, i) => train[i % 8] as (typeof train)[0])
const started = performance.now()
await fit({ samples, category: 'cable', config, encoder: model, runtime: await nodeRuntime() })
console.log(
  JSON.stringify({
    megabytes: Math.round(process.resourceUsage().maxRSS / 1000),
    seconds: (performance.now() - started) / 1000,
  }),
)

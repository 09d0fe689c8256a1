/**
 * Good images that look otherwise, taken up into a finished detector: a detector of some training images is updated with others that
 * were made brighter or turned; it is judged on the test images as they are and changed alike, before and after, and beside
 * one that was trained with all of them.
 *
 *   node --conditions=@cflow/source --import tsx benchmarks/update.ts --mvtec DIR --category NAME [--added 15] [--input-size 256] [--again]
 */
import { openDataset } from '../packages/datasets/src/node.js'
import { rotateNearest, type Sample } from '../packages/datasets/src/index.js'
import { encoderModel, encoderSpec } from '../packages/encoders/src/index.js'
import { loadEncoderWeights } from '../packages/encoders/src/node.js'
import { resolveConfig } from '../packages/methods/src/index.js'
import { openRuntime } from '../packages/runtimes/src/index.node.js'
import { evaluate, fit, updateDetector } from '../packages/trainer/src/index.node.js'
import { parseArgs } from 'node:util'

const { values: flags } = parseArgs({
  options: {
    mvtec: { type: 'string' },
    category: { type: 'string', default: 'transistor' },
    added: { type: 'string', default: '15' },
    'input-size': { type: 'string', default: '256' },
    again: { type: 'boolean', default: false },
  },
})
if (flags.mvtec === undefined) throw new Error('--mvtec DIR: a folder in the layout of MVTec AD')
const { category, mvtec: root } = flags
const { train, test } = await openDataset({ dataset: 'mvtec', root, category })
const runtime = await openRuntime()
const config = resolveConfig({ inputSize: Number(flags['input-size']) })
const weights = await loadEncoderWeights(config.encoder)
const encoder = encoderModel(encoderSpec(config.encoder), weights, config.poolLayers, config.inputSize) // prettier-ignore

type Image = Awaited<ReturnType<Sample['load']>>
const changes: Readonly<Record<string, (image: Image) => Image>> = {
  brighter: (image) => ({ ...image, data: image.data.map((v) => Math.min(255, v * 1.3)) }),
  turned: (image) => rotateNearest(image, 6),
}
const count = Number(flags.added)
const known = train.slice(0, train.length - count)
const further = train.slice(train.length - count)
const changed = (samples: readonly Sample[], by: (image: Image) => Image): readonly Sample[] =>
  samples.map(({ loadMask: _, ...s }) => ({ ...s, load: async () => by(await s.load()) }))

const first = await fit({ samples: known, category, config, encoder, runtime })
const judge = async (model: Uint8Array, samples: readonly Sample[]) => {
  const { evaluation } = await evaluate({ model, samples, runtime })
  const { image, operatingPoint: at } = evaluation
  const percent = (v: number | undefined) => (100 * (v ?? NaN)).toFixed(1)
  return `${percent(image.auroc)} | ${percent(at?.truePositiveRate)} | ${percent(at?.falsePositiveRate)}`
}
const plain = test.map(({ loadMask: _, ...s }) => s)
console.log('| detector | test images | image AUROC | found | false alarms | seconds |')
console.log('| --- | --- | ---: | ---: | ---: | ---: |')
console.log(`| as trained | as they are | ${await judge(first.model, plain)} | |`)
for (const [name, by] of Object.entries(changes)) {
  const added = changed(further, by)
  const other = changed(test, by)
  console.log(`| as trained | ${name} | ${await judge(first.model, other)} | |`)
  const began = performance.now()
  const { model } = await updateDetector({ model: first.model, samples: added, runtime })
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(`| updated with ${count} ${name} | as they are | ${await judge(model, plain)} | ${seconds} |`) // prettier-ignore
  console.log(`| updated with ${count} ${name} | ${name} | ${await judge(model, other)} | |`)
  if (!flags.again) continue
  const whole = await fit({ samples: [...known, ...added], category, config, encoder, runtime })
  console.log(`| trained again with them | as they are | ${await judge(whole.model, plain)} | |`)
  console.log(`| trained again with them | ${name} | ${await judge(whole.model, other)} | |`)
}

/**
 * Training images of which some are defective: defective test images are put among the good ones at random, and a detector
 * of all is compared with one that leaves out what stands out, and with one that never saw them. All are judged on the test
 * images that are left.
 *
 *   node --conditions=@cflow/source --import tsx benchmarks/contaminated.ts --mvtec DIR --category NAME \
 *     [--share 0.1] [--images 60] [--draws 1] [--input-size 256] [--drop 0.15] [--rank-only]
 */
import { Random } from '../packages/base/src/index.js'
import type { Sample } from '../packages/datasets/src/index.js'
import { openDataset } from '../packages/datasets/src/node.js'
import { encoderModel, encoderSpec } from '../packages/encoders/src/index.js'
import { loadEncoderWeights } from '../packages/encoders/src/node.js'
import { resolveConfig } from '../packages/methods/src/index.js'
import { openRuntime } from '../packages/runtimes/src/index.node.js'
import { evaluate, fit, rankSuspicious } from '../packages/trainer/src/index.node.js'
import { parseArgs } from 'node:util'

const { values: flags } = parseArgs({
  options: {
    mvtec: { type: 'string' },
    category: { type: 'string', default: 'transistor' },
    share: { type: 'string', default: '0.1' },
    images: { type: 'string', default: '0' },
    draws: { type: 'string', default: '1' },
    'input-size': { type: 'string', default: '256' },
    drop: { type: 'string', default: '0.15' },
    'rank-only': { type: 'boolean', default: false },
  },
})
if (flags.mvtec === undefined) throw new Error('--mvtec DIR: a folder in the layout of MVTec AD')

const { category, mvtec: root } = flags
const dataset = await openDataset({ dataset: 'mvtec', root, category })
const runtime = await openRuntime()
const config = resolveConfig({ inputSize: Number(flags['input-size']) })
const weights = await loadEncoderWeights(config.encoder)
const encoder = encoderModel(
  encoderSpec(config.encoder),
  weights,
  config.poolLayers,
  config.inputSize,
)
const percent = (part: number, all: number) => `${part} of ${all}`

console.log('| training images | draw | defective | left out: defective, good | image AUROC | pixel AUROC | found | false alarms |') // prettier-ignore
console.log('| --- | ---: | ---: | --- | ---: | ---: | ---: | ---: |')
for (let draw = 0; draw < Number(flags.draws); draw++) {
  const random = Random.seeded(draw, 'contaminated')
  const shuffled = <T>(list: readonly T[]) => Array.from(random.permutation(list.length), (i) => list[i] as T) // prettier-ignore
  const good = shuffled(dataset.train).slice(0, Number(flags.images) || dataset.train.length)
  const share = Number(flags.share)
  const count = Math.round((good.length * share) / (1 - share))
  const defective = shuffled(dataset.test.filter((s) => s.label === 'anomalous')).slice(0, count)
  const mixed = shuffled([...good, ...defective])
  const isBad = (s: Sample) => defective.includes(s)
  const test = dataset.test.filter((s) => !isBad(s))

  const ranked = await rankSuspicious({ samples: mixed, encoder, runtime })
  const [bad, fine] = [true, false].map((b) => ranked.filter(({ index }) => isBad(mixed[index] as Sample) === b)) // prettier-ignore
  const pairs = bad!.flatMap((b) => fine!.map((f) => Number(b.deviations > f.deviations)))
  const auroc = pairs.reduce((a, b) => a + b, 0) / pairs.length
  const apart = [bad!, fine!].map((list) => percent(list.filter((s) => s.standsOut).length, list.length)) // prettier-ignore
  console.error(`draw ${draw}: ranking AUROC ${auroc.toFixed(3)}; stand out: defective ${apart.join(', good ')}`) // prettier-ignore
  if (flags['rank-only']) continue

  for (const [name, samples, dropSuspicious] of [
    ['good ones only', good, 0],
    ['with the defective ones', mixed, 0],
    ['the same, what stands out left out', mixed, Number(flags.drop)],
  ] as const) {
    const own = { ...config, dropSuspicious }
    const { model, manifest, dropped } = await fit({ samples, category, config: own, encoder, runtime }) // prettier-ignore
    const { evaluation, scores } = await evaluate({ model, samples: test, runtime })
    const above = (label: string) => {
      const all = scores.filter((s) => s.label === label)
      return `${all.filter((s) => s.score > manifest.calibration.threshold).length} of ${all.length}`
    }
    const out = dropped.filter(({ index }) => isBad(samples[index] as Sample)).length
    const rate = (v: number | undefined) => (100 * (v ?? NaN)).toFixed(1)
    const rates = [rate(evaluation.image?.auroc), rate(evaluation.pixel?.auroc)]
    const defects = samples.filter(isBad).length
    console.log(`| ${[name, draw, defects, `${out}, ${dropped.length - out}`, ...rates, above('anomalous'), above('good')].join(' | ')} |`) // prettier-ignore
  }
}

/**
 * Thresholds from few photographs: trainings on consecutive and on random parts of the good images, judged on the test
 * images at the threshold for 5 % false alarms. Beside the threshold that the detector has stands the conformal one, at one of
 * the scores or, of fewer than 19, continued beyond them.
 *
 *   node --conditions=@cflow/source --import tsx benchmarks/few-images.ts --mvtec DIR --category NAME \
 *     [--consecutive 30] [--random 15,25] [--draws 4] [--from 0] [--page]
 *
 * `--page` trains in the built web page (`nx run web:build`), in headless Chromium as a person does it: photographs are chosen,
 * the detector is saved, and its file is judged here. `--from` leaves out so many trainings, which were done before.
 */
import { Random } from '../packages/base/src/index.js'
import { thresholdAt } from '../packages/core/src/index.js'
import type { Sample } from '../packages/datasets/src/index.js'
import { readDetector } from '../packages/detector/src/index.node.js'
import { openDataset } from '../packages/datasets/src/node.js'
import { encoderModel, encoderSpec } from '../packages/encoders/src/index.js'
import { loadEncoderWeights } from '../packages/encoders/src/node.js'
import { resolveConfig } from '../packages/methods/src/index.js'
import { openRuntime } from '../packages/runtimes/src/index.node.js'
import { evaluate, fit } from '../packages/trainer/src/index.node.js'
import { readFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { chromiumPath, launchChromium } from '../apps/web/test/chromium.js'
import { serveSite } from '../apps/web/test/site.js'
import { isolating } from '../apps/web/vite.config.js'

const { values: flags } = parseArgs({
  options: {
    mvtec: { type: 'string' },
    category: { type: 'string', default: 'transistor' },
    consecutive: { type: 'string', default: '30' },
    random: { type: 'string', default: '15,25' },
    draws: { type: 'string', default: '4' },
    from: { type: 'string', default: '0' },
    page: { type: 'boolean', default: false },
  },
})
if (flags.mvtec === undefined) throw new Error('--mvtec DIR: a folder in the layout of MVTec AD')

const { category, mvtec: root } = flags
const dataset = await openDataset({ dataset: 'mvtec', root, category })
const config = resolveConfig()
const runtime = await openRuntime()
const weights = await loadEncoderWeights(config.encoder)
const spec = encoderSpec(config.encoder)
const encoder = encoderModel(spec, weights, config.poolLayers, config.inputSize)

const numbers = (list: string) => list.split(',').filter(Boolean).map(Number)
const trainings: { name: string; samples: readonly Sample[] }[] = []
for (const size of numbers(flags.consecutive))
  for (let from = 0; from + size <= dataset.train.length; from += size)
    trainings.push({
      name: `${size} from ${from} on`,
      samples: dataset.train.slice(from, from + size),
    })
for (const size of numbers(flags.random))
  for (let draw = 0; draw < Number(flags.draws); draw++) {
    const order = Random.seeded(draw, 'few images').permutation(dataset.train.length)
    const samples = Array.from(order.subarray(0, size), (i) => dataset.train[i] as Sample)
    trainings.push({ name: `${size} at random, draw ${draw}`, samples })
  }

console.log('| images | image AUROC | threshold | found | false alarms | conformal threshold | found | false alarms |') // prettier-ignore
console.log('| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |')
const browser = flags.page ? await inBrowser() : undefined
for (const { name, samples } of trainings.slice(Number(flags.from))) {
  const model = browser
    ? await browser.train(samples)
    : (await fit({ samples, category, config, encoder, runtime })).model
  const { manifest } = await readDetector(model)
  const { evaluation, scores } = await evaluate({ model, samples: dataset.test, runtime })
  const { threshold, scores: held, falsePositiveRate } = manifest.calibration
  const judged = [threshold, thresholdAt(held, falsePositiveRate).threshold].flatMap((t) => {
    const above = (label: string) => {
      const all = scores.filter((s) => s.label === label)
      return `${all.filter((s) => s.score > t).length} of ${all.length}`
    }
    return [t.toFixed(3), above('anomalous'), above('good')]
  })
  const auroc = (100 * (evaluation.image?.auroc ?? NaN)).toFixed(1)
  console.log(`| ${[name, auroc, ...judged].join(' | ')} |`)
}
await browser?.close()

/** The page in headless Chromium; its test site's headers allow threads. */
async function inBrowser() {
  const path = chromiumPath()
  if (path === undefined) throw new Error('no Chromium; set CHROMIUM_PATH to its program')
  const site = await serveSite('/', isolating)
  const chromium = await launchChromium(path)
  return {
    /** A person's way: choose the photographs, press Train, save the detector. Each in a browser profile of its own. */
    async train(samples: readonly Sample[]): Promise<Uint8Array> {
      const context = await chromium.newContext()
      const page = await context.newPage()
      await page.goto(`${site.url}?tab=train`)
      const files = samples.map((s) => s.path).filter((p) => p !== undefined)
      await page.locator('#train-pick [data-pick=files]').setInputFiles(files)
      const counted = page.locator('#train-count', { hasText: `${files.length} images` })
      await counted.waitFor({ timeout: 120_000 })
      await page.locator('#train-start').click()
      const failed = page.locator('#train-progress', { hasText: 'It failed' })
      await page.locator('#train-result').or(failed).first().waitFor({ timeout: 600_000 })
      if (await failed.isVisible()) throw new Error(await page.locator('#messages').innerText())
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.locator('#train-download').click(),
      ])
      const model = await readFile(await download.path())
      await context.close()
      return model
    },
    async close() {
      await chromium.close()
      await site.close()
    },
  }
}

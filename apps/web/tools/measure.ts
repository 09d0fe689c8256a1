/**
 * Measure the built site in Chromium: images per second of the built-in example's detector, and a training on 30
 * built-in images. Build the site first; `node --conditions=@cflow/source --import tsx tools/measure.ts`.
 */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { syntheticDataset } from '@cflow/datasets'
import { encodePng } from '@cflow/datasets/node'
import { chromiumPath, launchChromium } from '../test/chromium.ts'
import { settled } from '../test/page.ts'
import { serveSite } from '../test/site.ts'
import { isolating } from '../vite.config.ts'

const rounds = 40

const site = await serveSite('/', isolating)
const browser = await launchChromium(chromiumPath()!)
const page = await (await browser.newContext({ serviceWorkers: 'block' })).newPage()

/** Peak memory of Chromium's page processes in MB (Linux; 0 elsewhere). */
function peak(): number {
  const textOf = (path: string) => {
    try {
      return readFileSync(path, 'utf8')
    } catch {
      return '' // no such place, or a process that is over
    }
  }
  const peaks = (existsSync('/proc') ? readdirSync('/proc') : [])
    .filter((p) => textOf(`/proc/${p}/cmdline`).includes('--type=renderer'))
    .map((p) => Number(/VmHWM:\s+(\d+)/.exec(textOf(`/proc/${p}/status`))?.[1] ?? 0))
  return Math.round(Math.max(0, ...peaks) / 1024)
}

type Measuring = { measureUserAgentSpecificMemory(): Promise<{ bytes: number }> }
const heap = () =>
  page.evaluate(
    async () => (await (performance as unknown as Measuring).measureUserAgentSpecificMemory()).bytes / 1e6, // prettier-ignore
  )

async function imagesPerSecond(engine: string): Promise<Record<string, number>> {
  await page.goto(`${site.url}?engine=${engine}`)
  await settled(page, 7)
  const samples = syntheticDataset({ kind: 'cable', train: rounds, test: 0, seed: 5 }).train
  const files = await Promise.all(
    samples.map(async (s, i) => ({
      name: `${i}.png`,
      mimeType: 'image/png',
      buffer: Buffer.from(await encodePng(await s.load())),
    })),
  )
  await page.locator('#detect-pick [data-pick=files]').setInputFiles(files)
  const began = performance.now()
  await settled(page, 7 + rounds)
  const seconds = (performance.now() - began) / 1000
  const runs: number[] = []
  for (const tile of (await page.locator('#gallery .tile').all()).slice(0, rounds)) {
    await tile.click()
    const text = (await page.locator('#verdict-text').textContent())!
    runs.push(Number(/took (\d+)\sms/.exec(text)![1]))
  }
  runs.sort((a, b) => a - b)
  return {
    'images/s, all': rounds / seconds,
    'images/s, model alone (median)': 1000 / runs[rounds / 2]!,
  }
}

for (const engine of ['threads', 'single']) console.log(engine, await imagesPerSecond(engine))

await page.goto(site.url)
await settled(page, 7)
console.log('heap after detecting, MB', await heap())
await page.locator('#tab-train').click()
await page.locator('#kind').selectOption('mesh')
await page.locator('#kind-count').fill('30')
await page.locator('#generate').click()
await page.locator('#train-count', { hasText: /^30 images$/ }).waitFor({ timeout: 300_000 })
const began = performance.now()
await page.locator('#train-start').click()
await page.locator('#train-result').waitFor({ timeout: 600_000 })
console.log('training on 30 images, seconds', (performance.now() - began) / 1000)
console.log('heap after training, MB', await heap(), 'peak of the page process, MB', peak())
await browser.close()
await site.close()
process.exit(0)

import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { contract } from '@cflow/runtimes/contract'
import { openRuntime } from '@cflow/runtimes'
import { chromiumPath, launchChromium } from './chromium.ts'
import type { InPage } from './in-page/page.ts'
import { lossesOf } from './in-page/steps.ts'
import { buildInPage, serveFolder, type Site } from './site.ts'
import { isolating } from '../vite.config.ts'

const chromium = chromiumPath()
const built = join(import.meta.dirname, '../test-results/in-page/dist')

describe.skipIf(!chromium)('onnxruntime-web in a browser', () => {
  let browser: Browser
  let losses: readonly number[]
  beforeAll(async () => {
    await buildInPage(built)
    losses = await lossesOf(await openRuntime())
    browser = await launchChromium(chromium!)
  })
  afterAll(() => browser?.close())

  it('is all that the page holds: no driver for Node', async () => {
    const assets = join(built, 'assets')
    for (const name of await readdir(assets))
      expect(await readFile(join(assets, name), 'utf8')).not.toMatch(/onnxruntime-node|node:fs/)
  })

  describe.each([
    ['WASM with threads', 'wasm', isolating, /wasm, [2-9]\d* threads/],
    ['WASM with one thread', 'wasm', {}, /wasm, 1 thread\)/],
    ['WebGPU on the software adapter', 'webgpu', isolating, /webgpu/],
  ] as const)('%s', (_, device, headers, name) => {
    let site: Site
    let page: Page
    beforeAll(async () => {
      site = await serveFolder(built, '/', headers)
      page = await browser.newPage()
      await page.goto(site.url)
    })
    afterAll(async () => {
      await page?.close()
      await site?.close()
    })
    const call = <K extends keyof InPage>(what: K, ...args: Parameters<InPage[K]>) =>
      page.evaluate(
        ([w, a]) =>
          (globalThis as unknown as { inPage: Record<string, (...a: unknown[]) => unknown> })
            .inPage[w]!(...a),
        [what, args] as const,
      ) as ReturnType<InPage[K]>

    it('is what runs', async (context) => {
      const cores = await page.evaluate(() => navigator.hardwareConcurrency)
      if (device === 'wasm' && headers === isolating && cores < 2)
        context.skip('this machine has one processor')
      expect(await call('runtimeName', device)).toMatch(name)
    })

    for (const { name } of contract) it(name, () => call('contract', device, name))

    it('trains like Node', async () => {
      const here = await call('losses', device)
      expect(losses.at(-1)).toBeLessThan(losses[0]!)
      losses.forEach((loss, i) =>
        expect(Math.abs(here[i]! - loss) / Math.abs(loss)).toBeLessThan(1e-3),
      )
    })
  })
})

import { readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { floats, tensor } from '@cflow/base'
import { noise, toyDetector } from '@cflow/core/testing'
import { loadDetector } from '@cflow/detector'
import * as g from '@cflow/graph'
import { contract } from '@cflow/runtimes/contract'
import { openRuntime } from '@cflow/runtimes'
import { chromiumPath, launchChromium } from './chromium.ts'
import { lossesOf } from './in-page/steps.ts'
import { callerOf } from './page.ts'
import { buildInPage, serveFolder, type Site } from './site.ts'
import { isolating } from '../vite.config.ts'

const chromium = chromiumPath()
const built = join(import.meta.dirname, '../test-results/in-page/dist')
const builtTfjs = join(import.meta.dirname, '../test-results/in-page-tfjs/dist')

/** Holds that a page gives these numbers. */
function near(actual: readonly number[], expected: readonly number[], tolerance: number) {
  expect(actual).toHaveLength(expected.length)
  expected.forEach((v, i) => expect(Math.abs(actual[i]! - v) / Math.abs(v)).toBeLessThan(tolerance))
}

const scoresHere = async () => {
  const detector = await loadDetector(toyDetector())
  const detections = await detector.detectBatch([noise(1, 32, 32), noise(2, 50, 41)])
  await detector.release()
  return detections.map((d) => d.score)
}

describe.skipIf(!chromium)('onnxruntime-web in a browser', () => {
  let browser: Browser
  let losses: readonly number[]
  beforeAll(async () => {
    await buildInPage(built)
    losses = await lossesOf(await openRuntime())
    browser = await launchChromium(chromium!)
  })
  afterAll(() => browser?.close())

  it('is all that the page holds: no driver for Node, and nothing of TensorFlow.js', async () => {
    const assets = join(built, 'assets')
    const scripts = (await readdir(assets)).filter((name) => name.endsWith('.js'))
    expect(scripts).not.toEqual([])
    for (const name of scripts) {
      expect(name).not.toMatch(/tf|tensor/i)
      const text = await readFile(join(assets, name), 'utf8')
      expect(text).not.toMatch(/onnxruntime-node|node:fs/)
      expect(text).not.toMatch(/tfjs|@tensorflow|_tfengine/i)
    }
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
    const call = callerOf(() => page)

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

    it('scores like Node', async () => near(await call('scores', device), await scoresHere(), 1e-3))
  })

  // of a model of six channels onnxruntime-web's WebGPU gave other numbers: it is right now, or it is refused
  it('a convolution that WebGPU computes wrongly is refused, with the figure', async (context) => {
    const x = g.input('x', 'float32', [1, 6, 8, 8])
    const weights = Float32Array.from({ length: 4 * 6 * 9 }, (_, i) => Math.sin(i))
    const model = g.writeOnnx({ y: g.conv(x, g.constant(floats('float32', [4, 6, 3, 3], weights))) }) // prettier-ignore
    const site = await serveFolder(built, '/', isolating)
    const page = await browser.newPage()
    await page.goto(site.url)
    const refusal = await callerOf(() => page)('refusal', 'webgpu', Buffer.from(model).toString('base64')) // prettier-ignore
    await page.close()
    await site.close()
    if (refusal === undefined) return context.skip('this onnxruntime-web computes it rightly')
    expect(refusal).toMatch(/webgpu\) computes a convolution of 6 channels \(3×3, 4 outputs\) wrongly: \S+ where \S+ is right/) // prettier-ignore
  })
})

describe.skipIf(!chromium)('TensorFlow.js in a browser, on WebGL', () => {
  let browser: Browser
  let site: Site
  let page: Page
  let missing: string | undefined
  const call = callerOf(() => page)
  beforeAll(async () => {
    await buildInPage(builtTfjs, 'in-page-tfjs')
    browser = await launchChromium(chromium!)
    site = await serveFolder(builtTfjs, '/')
    page = await browser.newPage()
    await page.goto(site.url)
    missing = await call('runtimeName', 'webgl').then(() => undefined, String)
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  for (const { name } of contract)
    it(name, (context) =>
      missing === undefined ? call('contract', 'webgl', name) : context.skip(missing),
    )

  it('trains and scores like Node', async (context) => {
    if (missing !== undefined) return context.skip(missing)
    near(await call('losses', 'webgl'), await lossesOf(await openRuntime()), 1e-4)
    // a pixel of a resized image may be rounded the other way: sines of the shading language are less exact
    near(await call('scores', 'webgl'), await scoresHere(), 1e-3)
  })

  it('refuses whole numbers that WebGL does not hold exactly', async (context) => {
    if (missing !== undefined) return context.skip(missing)
    const far = g.constant(tensor('int64', [2], BigInt64Array.of(2n ** 24n, 0n)))
    const model = g.writeOnnx({ y: g.transpose(g.reshape(far, [1, 2]), [1, 0]) })
    expect(await call('refusal', 'webgl', Buffer.from(model).toString('base64'))).toMatch(/16777216 does not fit/) // prettier-ignore
  })
})

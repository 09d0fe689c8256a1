import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { loadDetector } from '@cflow/detector'
import { auroc } from '@cflow/metrics'
import { chromiumPath, launchChromium } from './chromium.ts'
import { exampleFile, exampleImageFiles } from './pictures.ts'
import { accessibilityFaults, keepDevices, loseDevices, settled, shot, shownScore } from './page.ts'
import { artefacts, buildSite, serveSite, type Site } from './site.ts'
import { isolating } from '../vite.config.ts'

const chromium = chromiumPath()
if (!chromium)
  console.warn('web: no Chromium found, its tests are skipped; set CHROMIUM_PATH to its program')

const exampleCount = 7
const near = (a: number, b: number) => Math.abs(a - b) / Math.abs(b)

describe.skipIf(!chromium)('the site in a browser', () => {
  let site: Site
  let browser: Browser
  let context: BrowserContext
  let page: Page
  const failures: string[] = []
  const trained = join(artefacts, 'model.onnx')

  beforeAll(async () => {
    buildSite()
    // a host that cannot send headers, and a folder of it
    site = await serveSite('/some/folder/')
    browser = await launchChromium(chromium!)
    context = await browser.newContext({ viewport: { width: 1100, height: 900 } })
    page = await context.newPage()
    page.on('pageerror', (error) => failures.push(String(error)))
    keepDevices(page)
    await page.goto(site.url)
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })

  it('detects on the built-in example, with threads that the service worker makes possible', async () => {
    await settled(page, exampleCount)
    expect(await page.locator('#summary').textContent()).toContain(
      'found 5 of 5 defects, 0 false alarms',
    )
    expect(await page.evaluate(() => crossOriginIsolated)).toBe(true)
    expect(await page.locator('#verdict-title').textContent()).toContain('Anomalous')
    // two flows and the memory
    expect(await page.locator('#contributions li').count()).toBe(3)
    await shot(page, 'detect')
  })

  it('scores the example like Node', async () => {
    const detector = await loadDetector(exampleFile)
    const { score } = await detector.detect(exampleImageFiles()[0]!)
    await detector.release()
    expect(near(await shownScore(page), score)).toBeLessThan(1e-3)
  })

  it('moves the threshold with the false-positive rate', async () => {
    const threshold = async () =>
      Number(/Threshold ([\d.]*\d)/.exec((await page.locator('#rate-note').textContent())!)![1])
    const stored = await threshold()
    await page.locator('#rate').focus()
    await page.keyboard.press('End')
    expect(await page.locator('#rate-value').textContent()).toBe('50 %')
    expect(await threshold()).toBeLessThan(stored)
    await page.keyboard.press('Home')
    expect(await threshold()).toBeGreaterThan(stored)
    expect(await page.locator('#rate-note').textContent()).toContain('too few')
    await page.locator('#rate').fill('50')
    expect(await threshold()).toBe(stored)
  })

  it('says what is wrong with a file', async () => {
    const give = (selector: string, name: string, content: string) =>
      page
        .locator(selector)
        .setInputFiles({ name, mimeType: 'image/png', buffer: Buffer.from(content) })
    const messages = page.locator('#messages')
    await give('#detect-pick [data-pick=files]', 'broken.png', 'not a picture')
    await messages.getByText('cannot be read as an image').waitFor()
    await page.locator('#picture-image').waitFor({ state: 'hidden' })
    await shot(page, 'broken-image')
    await give('#model-file', 'other.onnx', 'not a detector')
    await messages.getByText('not a detector of this project').waitFor()
    await page.locator('#gallery .tile', { hasText: 'bent strands' }).click()
    expect(await page.locator('#verdict-title').textContent()).toContain('Anomalous')
    await page.locator('#tab-train').click()
    await page.locator('#train-start').click()
    await messages.getByText('Too few images').waitFor()
    await shot(page, 'too-few-images')
  })

  it('takes photographs with the camera', async () => {
    await page.locator('#train-pick').getByText('Use the camera').click()
    await page.waitForFunction(
      () => document.querySelector<HTMLVideoElement>('#camera-video')!.videoWidth > 0,
    )
    await page.locator('#camera-take').click()
    await page.locator('#camera-count', { hasText: '1 photograph taken' }).waitFor()
    await shot(page, 'camera')
    await page.locator('#camera-close').click()
    expect(await page.locator('#train-gallery li').count()).toBe(1)
  })

  it('trains on 20 images, stops and goes on, and finds the defects in others', async () => {
    await page.evaluate(() => {
      const tasks: number[] = []
      new PerformanceObserver((list) =>
        tasks.push(...list.getEntries().map((e) => e.duration)),
      ).observe({ type: 'longtask' })
      Object.assign(globalThis, { longTasks: tasks })
    })
    await page.locator('#train-clear').click()
    await page.locator('#kind').selectOption('mesh')
    await page.locator('#kind-count').fill('20')
    await page.locator('#generate').click()
    await page.locator('#train-count', { hasText: /^20 images$/ }).waitFor({ timeout: 120_000 })
    await page.locator('#train-start').click()
    const state = page.locator('#train-state')
    await state.getByText('pass 2').waitFor({ timeout: 280_000 })
    await page.locator('#train-stop').click()
    await shot(page, 'train-stopped')
    // the steps that were under way may still report; then it stands still, before the end
    const bar = async () => Number(await page.locator('#train-bar').getAttribute('value'))
    let stopped = NaN
    for (let tries = 0; tries < 10 && (await bar()) !== stopped; tries++) {
      stopped = await bar()
      await page.waitForTimeout(1500)
    }
    expect(await bar()).toBe(stopped)
    expect(stopped).toBeLessThan(1)
    await page.locator('#train-continue').click()
    await page.locator('#train-result').waitFor({ timeout: 280_000 })
    await shot(page, 'train-done')
    const tasks = await page.evaluate(
      () => (globalThis as unknown as { longTasks: number[] }).longTasks,
    )
    console.log(`web: tasks of the page over 50 ms while training: ${tasks.length}`, tasks)

    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.locator('#train-download').click(),
    ])
    expect(download.suggestedFilename()).toBe('model.onnx')
    await download.saveAs(trained)

    // photographs of a person stay: the broken one of before
    await page.locator('#train-use').click()
    await page.locator('#gallery .tile', { hasText: 'broken.png' }).waitFor()
    await page.locator('#images-clear').click()
    await settled(page, 12)
    await shot(page, 'train-used')
    const tiles = await page.locator('#gallery .tile').allInnerTexts()
    const scores = tiles.map((t) => Number(/[\d.]+$/.exec(t)![0]))
    const labels = tiles.map((t) => !t.startsWith('good'))
    expect(labels.filter(Boolean)).toHaveLength(8)
    expect(auroc(scores, labels)).toBeGreaterThanOrEqual(0.95)
  })

  it('gives the same scores in Node, on WASM and on WebGPU', async () => {
    const image = exampleImageFiles()[0]!
    const detector = await loadDetector(trained)
    const node = await detector.detect(image)
    await detector.release()
    await page.locator('#detect-pick [data-pick=files]').setInputFiles([image])
    await page.waitForFunction(
      () =>
        document.querySelector('#picture-caption')?.textContent?.trim().startsWith('0-') &&
        document.querySelector<HTMLElement>('#verdict-title')?.dataset['score'],
    )
    const wasm = await shownScore(page)
    await page.locator('#engine').selectOption('webgpu')
    await page
      .locator('#engine-state', { hasText: 'WebGPU agrees with WASM' })
      .waitFor({ timeout: 240_000 })
    await page.locator('#verdict-title[data-score]').waitFor({ timeout: 240_000 })
    expect(await page.locator('#engine').inputValue()).toBe('webgpu')
    const webgpu = await shownScore(page)
    await shot(page, 'webgpu')
    console.log('web: scores on Node, WASM, WebGPU', node.score, wasm, webgpu)
    expect(near(wasm, node.score)).toBeLessThan(1e-3)
    expect(near(webgpu, node.score)).toBeLessThan(1e-3)
    // WebGPU on a processor is slow, and slower where others use it
  }, 600_000)

  it('goes on with WASM when the GPU is lost', async () => {
    const before = await shownScore(page)
    await loseDevices(page)
    await page.locator('#messages').getByText('The GPU was lost').waitFor()
    await page.locator('#engine-state', { hasText: /^$/ }).waitFor({ state: 'attached' })
    await page.locator('#verdict-title[data-score]').waitFor()
    await shot(page, 'gpu-lost')
    expect(await page.locator('#engine').inputValue()).not.toBe('webgpu')
    expect(await page.locator('#messages').innerText()).not.toContain('failed')
    expect(near(await shownScore(page), before)).toBeLessThan(1e-3)
  })

  it.each([
    ['light', 1100],
    ['dark', 1100],
    ['light', 375],
    ['dark', 375],
  ] as const)('is accessible: %s, %i px wide', async (colorScheme, width) => {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' })
    await page.setViewportSize({ width, height: 800 })
    for (const tab of ['detect', 'train']) {
      await page.locator(`#tab-${tab}`).click()
      await shot(page, `${tab}-${colorScheme}-${width}`)
      expect(await accessibilityFaults(page)).toEqual([])
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
      expect(overflow).toBeLessThanOrEqual(0)
    }
  })

  it('works without a network after the first visit', async () => {
    await page.locator('#offline', { hasText: 'without a network' }).waitFor({ timeout: 120_000 })
    await site.close()
    await page.setViewportSize({ width: 1100, height: 900 })
    await page.reload()
    await settled(page, exampleCount)
    expect(await page.locator('#summary').textContent()).toContain('found 5 of 5')
    await shot(page, 'offline')
    expect(failures).toEqual([])
  })
})

describe.skipIf(!chromium)('engines', () => {
  let browser: Browser
  beforeAll(async () => {
    browser = await launchChromium(chromium!)
  })
  afterAll(() => browser?.close())

  it.each([
    ['one thread where nothing isolates the page', {}, false, 'single'],
    ['threads by the headers of the host, without a service worker', isolating, true, 'threads'],
  ])('%s', async (_, headers, isolated, engine) => {
    const site = await serveSite('/', headers)
    try {
      const context = await browser.newContext({ serviceWorkers: 'block' })
      const page = await context.newPage()
      await page.goto(site.url)
      await page.locator('#verdict-title', { hasText: 'Anomalous' }).waitFor({ timeout: 120_000 })
      expect(await page.evaluate(() => crossOriginIsolated)).toBe(isolated)
      const cores = await page.evaluate(() => navigator.hardwareConcurrency)
      expect(await page.locator('#engine').inputValue()).toBe(cores > 1 ? engine : 'single')
      await context.close()
    } finally {
      await site.close()
    }
  })
})

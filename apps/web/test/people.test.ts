import { temporaryFolder } from '@cflow/base/testing'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { chromiumPath, launchChromium } from './chromium.ts'
import { settled, shot, shownScore } from './page.ts'
import { buildSite, serveSite, type Site } from './site.ts'
import { isolating } from '../vite.config.ts'
import { needing } from './large.ts'
import { exampleImageFiles } from './pictures.ts'

const chromium = chromiumPath()
const exampleCount = 7
const folder = chromium ? await temporaryFolder('web') : ''

describe.skipIf(!chromium)('what people do', () => {
  let site: Site
  let browser: Browser
  let context: BrowserContext
  let page: Page
  let images: Buffer[]
  const messages = () => page.locator('#messages')
  const tiles = () => page.locator('#gallery .tile')

  beforeAll(async () => {
    buildSite()
    images = await Promise.all(exampleImageFiles().map((file) => sharp(file).png().toBuffer()))
    await mkdir(join(folder, 'parts/inner'), { recursive: true })
    await writeFile(join(folder, 'parts/10.png'), images[0]!)
    await writeFile(join(folder, 'parts/9.png'), images[1]!)
    await writeFile(join(folder, 'parts/inner/1.png'), images[2]!)
    await writeFile(join(folder, 'parts/notes.txt'), 'not an image')
    site = await serveSite('/', isolating)
    browser = await launchChromium(chromium!)
    context = await browser.newContext({
      viewport: { width: 1100, height: 900 },
      serviceWorkers: 'block',
      permissions: ['camera', 'clipboard-read', 'clipboard-write'],
    })
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })
  beforeEach(async () => {
    await page?.close()
    page = await context.newPage()
  })
  const open = async (query = '') => {
    await page.goto(site.url + query)
    await settled(page, exampleCount)
  }

  /** Drop a file or folder of the disk, as the system does it. */
  const drop = async (selector: string, path: string) => {
    const zone = page.locator(selector)
    await zone.scrollIntoViewIfNeeded()
    const box = (await zone.boundingBox())!
    const at = { x: box.x + box.width / 2, y: box.y + 10 }
    const devtools = await context.newCDPSession(page)
    const data = { items: [], files: [path], dragOperationsMask: 1 }
    for (const type of ['dragEnter', 'dragOver', 'drop'] as const)
      await devtools.send('Input.dispatchDragEvent', { type, ...at, data })
    await devtools.detach()
  }

  /** Put an image where Control+V takes it from. */
  const copyImage = (image: Buffer) =>
    page.evaluate(async (base64) => {
      const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
      const blob = new Blob([bytes], { type: 'image/png' })
      await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })])
    }, image.toString('base64'))

  it('paste an image, to judge it and to train with it', async () => {
    await open()
    const score = await shownScore(page)
    await copyImage(images[0]!)
    await page.keyboard.press('Control+V')
    await settled(page, exampleCount + 1)
    expect(await shownScore(page)).toBeCloseTo(score, 4)
    await page.locator('#tab-train').click()
    await page.keyboard.press('Control+V')
    await page.locator('#train-count', { hasText: '1 image; 9 more are needed' }).waitFor()
    expect(await messages().innerText()).toBe('')
    // a text that is pasted into a field stays there
    await page.locator('#train-name').fill('')
    await page.evaluate(() => navigator.clipboard.writeText('bolts'))
    await page.locator('#train-name').press('Control+V')
    expect(await page.locator('#train-name').inputValue()).toBe('bolts')
  })

  it('drop a folder, with a folder in it and a file that is not an image', async () => {
    await open()
    await drop('#detect-pick .drop', join(folder, 'parts'))
    await settled(page, exampleCount + 3)
    await messages().getByText('notes.txt is not an image').waitFor()
    const names = await tiles().locator('.name').allInnerTexts()
    expect(names.slice(0, 3)).toEqual(['9.png', '10.png', '1.png'])
    // in the order of their paths, which are kept
    expect(await tiles().locator('.name').nth(2).getAttribute('title')).toBe('parts/inner/1.png')
    await shot(page, 'dropped-folder')
    await page.locator('#tab-train').click()
    await drop('#train-pick .drop', join(folder, 'parts'))
    await page.locator('#train-count', { hasText: '3 images' }).waitFor()
  })

  it('drop a file beside the zones, and it is taken too', async () => {
    await open()
    await drop('header', join(folder, 'parts/9.png'))
    await settled(page, exampleCount + 1)
    expect(await tiles().locator('.name').first().innerText()).toBe('9.png')
    expect(await page.locator('h1').innerText()).toBe('What is not normal here?')
  })

  it('use the camera to judge', async () => {
    await open()
    await page.locator('#detect-pick').getByText('Use the camera').click()
    await page.waitForFunction(
      () => document.querySelector<HTMLVideoElement>('#camera-video')!.videoWidth > 0,
    )
    await page.locator('#camera-take').click()
    await page.locator('#camera-count', { hasText: '1 photograph taken' }).waitFor()
    await page.keyboard.press('Escape')
    await settled(page, exampleCount + 1)
    expect(await tiles().first().innerText()).toContain('photo 001')
    await shot(page, 'camera-judged')
    const isLive = await page.evaluate(
      () => document.querySelector<HTMLVideoElement>('#camera-video')!.srcObject !== null,
    )
    expect(isLive).toBe(false)
  })

  it.each([
    ['is left', 4.29e9],
    ['can be addressed', 6e9],
  ])('have a detector that needs more memory than %s', async (_, bytes) => {
    await open()
    await page.locator('#detect-pick [data-pick=files]').setInputFiles(join(folder, 'parts/9.png'))
    await settled(page, exampleCount + 1)
    await page.locator('#model-file').setInputFiles({
      name: 'large.onnx',
      mimeType: 'application/octet-stream',
      buffer: Buffer.from(needing(bytes)),
    })
    await messages().getByText('Out of memory').waitFor()
    await page.locator('#summary', { hasText: '1 without a verdict' }).waitFor()
    expect(await page.locator('#picture-image').isVisible()).toBe(true)
    await shot(page, 'out-of-memory')
    await page.locator('#model-example').click()
    await settled(page, exampleCount + 1)
    await page.locator('#images-clear').click()
    await settled(page, exampleCount)
    expect(await page.locator('#summary').textContent()).toContain('found 5 of 5')
    expect(await messages().innerText()).toBe('')
  })
})

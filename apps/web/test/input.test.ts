import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { browse, dropFiles, holdBack, type Browsing } from './browsing.ts'
import { chromiumPath } from './chromium.ts'
import { needing } from './large.ts'
import { settled, shot } from './page.ts'
import { photograph, plain } from './pictures.ts'

const exampleCount = 7

describe.skipIf(!chromiumPath())('what a person puts in', () => {
  let browsing: Browsing
  let page: Page
  let photo: Buffer
  const small = Buffer.from(needing(1e6))
  beforeAll(async () => {
    browsing = await browse()
    photo = await photograph(1)
  })
  afterAll(() => browsing?.close())
  beforeEach(async () => {
    page = await browsing.context.newPage()
  })
  afterEach(() => page.close())

  const giveImage = (name: string, buffer: Buffer, mimeType = 'image/jpeg') =>
    page.locator('#detect-pick [data-pick=files]').setInputFiles({ name, mimeType, buffer })
  const giveModel = (name: string, buffer = small) =>
    page
      .locator('#model-file')
      .setInputFiles({ name, mimeType: 'application/octet-stream', buffer })
  const names = () => page.locator('#gallery .tile .name').allInnerTexts()
  const heading = () => page.locator('#model-name').innerText()
  const messages = () => page.locator('#messages')

  it('as an image while the example loads is kept, and judged when the detector is there', async () => {
    const release = await holdBack(page, /assets\/((cable|part|mesh)-.*\.gzipped|.*\.webp)$/)
    // the pictures of the examples are held back too
    await page.goto(browsing.site.url, { waitUntil: 'domcontentloaded' })
    await giveImage('mine.jpg', photo)
    await page.locator('#picture-caption', { hasText: 'mine.jpg' }).waitFor()
    await shot(page, 'early-image')
    release()
    await settled(page, exampleCount + 1)
    expect((await names())[0]).toBe('mine.jpg')
    expect(await page.locator('#picture-caption').innerText()).toContain('mine.jpg')
  })

  it('as a detector while the example loads is not replaced by it', async () => {
    const release = await holdBack(page, /assets\/(cable|part|mesh)-.*\.gzipped$/)
    await page.goto(browsing.site.url)
    await giveModel('early.onnx')
    await giveImage('mine.jpg', photo)
    await page.locator('#verdict-title[data-score]').waitFor()
    release()
    await page.waitForTimeout(3000)
    expect(await heading()).toBe('early.onnx')
    expect(await names()).toEqual(['mine.jpg'])
    await shot(page, 'early-detector')
  })

  it('as two detectors at once: the last one runs, under its own name', async () => {
    await page.goto(browsing.site.url)
    await settled(page, exampleCount)
    await giveModel('first.onnx')
    await giveModel('second.onnx')
    await page.locator('#model-example').click()
    await giveModel('third.onnx')
    await page.waitForFunction(
      () => document.querySelector('#model-name')?.textContent === 'third.onnx',
    )
    await page.waitForTimeout(2000)
    expect(await heading()).toBe('third.onnx')
    expect(await page.locator('#model-loading').textContent()).toBe('')
  })

  it('stays when the example comes back, and the example’s images go when another detector comes', async () => {
    await page.goto(browsing.site.url)
    await settled(page, exampleCount)
    await giveImage('mine.jpg', photo)
    await giveModel('own.onnx')
    await settled(page, 1)
    expect(await names()).toEqual(['mine.jpg'])
    expect(await page.locator('#summary').innerText()).not.toContain('defect')
    await page.locator('#model-example').click()
    await settled(page, exampleCount + 1)
    expect(await names()).toContain('mine.jpg')
    expect(await heading()).toContain('Example: cables')
    // only what is asked for is removed, one or all of them
    await giveImage('second.jpg', photo)
    await page.locator('#gallery li', { hasText: 'mine.jpg' }).hover()
    await page.getByRole('button', { name: 'Remove mine.jpg' }).click()
    expect(await names()).not.toContain('mine.jpg')
    await page.locator('#images-clear').click()
    await settled(page, exampleCount)
    expect(await names()).not.toContain('second.jpg')
  })

  it('dropped on the picture, image and detector together, is all taken', async () => {
    await page.goto(browsing.site.url)
    await settled(page, exampleCount)
    await dropFiles(page, '#picture', [
      { name: 'both.onnx', type: '', bytes: small },
      { name: 'both.jpg', type: 'image/jpeg', bytes: photo },
    ])
    await page.waitForFunction(
      () => document.querySelector('#model-name')?.textContent === 'both.onnx',
    )
    await settled(page, 1)
    expect(await names()).toEqual(['both.jpg'])
  })

  it('that cannot be read is told apart', async () => {
    await page.goto(browsing.site.url)
    await settled(page, exampleCount)
    const heic = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0heicmif1', 'latin1')
    await giveImage('phone.heic', heic, '')
    await messages().getByText('phone.heic is HEIC').waitFor()
    await giveImage('half.jpg', photo.subarray(0, photo.length / 2))
    await messages().getByText('half.jpg is damaged or cut off').waitFor()
    await giveImage('huge.png', await plain(12_000, 10_000), 'image/png')
    await messages().getByText('huge.png has 12000×10000 pixels').waitFor()
    await shot(page, 'reasons')
  })

  it('as a number that a field does not take is told of, and not replaced', async () => {
    await page.goto(browsing.site.url)
    await page.locator('#tab-train').click()
    for (const wrong of ['5', '201', '12.5', '']) {
      await page.locator('#kind-count').fill(wrong)
      await page.locator('#generate').click()
      await messages().getByText('a whole number from 10 to 200').waitFor()
      expect(await page.locator('#kind-count').inputValue()).toBe(wrong)
      expect(await page.locator('#train-gallery li').count()).toBe(0)
    }
    await page.locator('#passes').fill('500')
    await page.locator('#train-start').click()
    await messages().getByText('Passes: a whole number from 1 to 50').waitFor()
  })

  it('and without the example’s file, the page says so, and takes another', async () => {
    await page.route(/assets\/(cable|part|mesh)-.*\.gzipped$/, (route) =>
      route.fulfill({ status: 404 }),
    )
    await page.goto(browsing.site.url)
    await page.locator('#model-name', { hasText: 'No detector could be loaded' }).waitFor()
    expect(await page.locator('#picture-wait').isVisible()).toBe(false)
    await shot(page, 'no-detector')
    await giveModel('other.onnx')
    await giveImage('mine.jpg', await sharp(photo).png().toBuffer())
    await settled(page, 1)
    expect(await heading()).toBe('other.onnx')
  })
})

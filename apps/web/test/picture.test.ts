import { readFile } from 'node:fs/promises'
import { unzipSync } from 'fflate'
import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { decodeImage } from '@cflow/datasets/node'
import { browse, type Browsing } from './browsing.ts'
import { chromiumPath } from './chromium.ts'
import { shot } from './page.ts'
import { plain } from './pictures.ts'

interface Box {
  readonly left: number
  readonly top: number
  readonly right: number
  readonly bottom: number
}

/** Where a picture of the page has a colour. */
async function boxOf(png: Buffer, [r, g, b]: readonly [number, number, number]): Promise<Box> {
  const { data, info } = await sharp(png).removeAlpha().raw().toBuffer({ resolveWithObject: true })
  const box = { left: Infinity, top: Infinity, right: -1, bottom: -1 }
  for (let i = 0; i < info.width * info.height; i++) {
    const off = [r, g, b].some((v, c) => Math.abs(v - data[3 * i + c]!) > 8)
    if (off) continue
    const [x, y] = [i % info.width, Math.floor(i / info.width)]
    box.left = Math.min(box.left, x)
    box.right = Math.max(box.right, x)
    box.top = Math.min(box.top, y)
    box.bottom = Math.max(box.bottom, y)
  }
  return box
}

describe.skipIf(!chromiumPath()).each([1280, 390])('the picture, in a page %i px wide', (width) => {
  let browsing: Browsing
  let page: Page
  beforeAll(async () => {
    browsing = await browse({ width, height: 900 })
    page = await browsing.context.newPage()
    await page.goto(browsing.site.url)
  })
  afterAll(() => browsing?.close())

  it.each([
    [2000, 100],
    [1600, 900],
    [500, 500],
    [900, 1600],
    [100, 2000],
  ])('of %i×%i has the heat map exactly on it', async (w, h) => {
    const name = `${w}x${h}.png`
    await page
      .locator('#detect-pick [data-pick=files]')
      .setInputFiles({ name, mimeType: 'image/png', buffer: await plain(w, h) })
    await page.locator('#picture-caption', { hasText: name }).waitFor()
    await page.locator('#verdict-title[data-score]').waitFor()
    const opacity = page.locator('#opacity')
    const pictured = () => page.locator('#picture').screenshot()
    // what stands beside the picture may still move it a little
    const photo = await vi.waitFor(async () => {
      await opacity.fill('0')
      const photo = await boxOf(await pictured(), [255, 0, 255])
      await opacity.fill('100')
      // all of the map in one colour
      await page.locator('#picture-heat').evaluate((node) => {
        const canvas = node as HTMLCanvasElement
        const context = canvas.getContext('2d')!
        context.fillStyle = '#00ff00'
        context.fillRect(0, 0, canvas.width, canvas.height)
      })
      const map = await boxOf(await pictured(), [0, 255, 0])
      // an edge between two pixels of the screen may be blended
      for (const side of ['left', 'top', 'right', 'bottom'] as const)
        expect(Math.abs(map[side] - photo[side])).toBeLessThanOrEqual(1)
      return photo
    }, 5000)
    await opacity.fill('0')
    await shot(page, `picture-${w}x${h}-${width}`)
    const ratio = (photo.right - photo.left + 1) / (photo.bottom - photo.top + 1)
    expect(Math.abs(Math.log(ratio / (w / h)))).toBeLessThan(0.1)
  })
})

/** Four colours, one a corner, stored as a camera held otherwise stores them. */
const corners = (format: 'png' | 'webp', orientation: number): Promise<Buffer> => {
  const [width, height] = [60, 40]
  const data = Buffer.alloc(3 * width * height)
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)]
    data.set([x < width / 2 ? 250 : 20, y < height / 2 ? 240 : 30, 90], 3 * i)
  }
  return sharp(data, { raw: { width, height, channels: 3 } })
    .withMetadata({ orientation })
    .toFormat(format, format === 'webp' ? { lossless: true } : {})
    .toBuffer()
}

interface Pixels {
  readonly width: number
  readonly height: number
  readonly data: ArrayLike<number>
}

/** The size, and the colour in the middle of every quarter. */
const quarters = ({ width, height, data }: Pixels, channels: number) => ({
  ...{ width, height },
  colours: [0.25, 0.75].flatMap((y) =>
    [0.25, 0.75].map((x) => {
      const at = channels * (Math.floor(y * height) * width + Math.floor(x * width))
      return [data[at]!, data[at + 1]!, data[at + 2]!]
    }),
  ),
})

describe.skipIf(!chromiumPath())('PNG and WebP that EXIF turns', () => {
  const turnedFiles = (['png', 'webp'] as const).flatMap((format) =>
    [1, 2, 3, 4, 5, 6, 7, 8].map((orientation) => ({ format, orientation })),
  )
  it('are shown, listed and exported as the detector sees them', async () => {
    const browsing = await browse()
    const page = await browsing.context.newPage()
    try {
      await page.goto(browsing.site.url)
      await page.locator('#verdict-title[data-score]').waitFor()
      const files = await Promise.all(
        turnedFiles.map(async ({ format, orientation }) => ({
          name: `${format}-${orientation}.${format}`,
          mimeType: `image/${format}`,
          buffer: await corners(format, orientation),
        })),
      )
      const expected = new Map<string, ReturnType<typeof quarters>>()
      for (const { name, buffer } of files)
        expected.set(name, quarters(await decodeImage(buffer), 3))
      /** What an image of the page shows. */
      const seen = async (selector: string) => {
        const pixels = await page.locator(selector).evaluate(async (node) => {
          const image = node as HTMLImageElement
          await image.decode()
          const { naturalWidth: width, naturalHeight: height } = image
          const context = new OffscreenCanvas(width, height).getContext('2d')!
          context.drawImage(image, 0, 0)
          return { width, height, data: [...context.getImageData(0, 0, width, height).data] }
        })
        return quarters(pixels, 4)
      }
      await page.locator('#detect-pick [data-pick=files]').setInputFiles(files)
      for (const { name } of files) {
        await page.locator('#gallery .tile', { hasText: name }).click()
        await page.locator('#picture-caption', { hasText: name }).waitFor()
        await expect
          .poll(() => seen('#picture-image'), { message: name })
          .toEqual(expected.get(name))
        await expect
          .poll(() => seen(`#gallery .tile:has-text("${name}") img`), { message: name })
          .toEqual(expected.get(name))
      }
      await page.waitForFunction(() => !document.querySelector('#summary')?.textContent?.includes('waiting')) // prettier-ignore
      await page.locator('#opacity').fill('0')
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.locator('#export-zip').click(),
      ])
      const overlays = unzipSync(await readFile(await download.path()))
      for (const [name, right] of expected) {
        const file = overlays[`${name.replace(/\.\w+$/, '')}.png`]!
        expect(quarters(await decodeImage(file), 3), name).toEqual(right)
      }
      await page.locator('#tab-train').click()
      await page.locator('#train-pick [data-pick=files]').setInputFiles(files)
      for (const { name } of files)
        await expect
          .poll(() => seen(`#train-gallery li:has-text("${name}") img`), { message: name })
          .toEqual(expected.get(name))
    } finally {
      await browsing.close()
    }
  })
})

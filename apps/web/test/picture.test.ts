import type { Page } from 'playwright-core'
import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
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
    await opacity.fill('0')
    const photo = await boxOf(await pictured(), [255, 0, 255])
    await shot(page, `picture-${w}x${h}-${width}`)
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
    const ratio = (photo.right - photo.left + 1) / (photo.bottom - photo.top + 1)
    expect(Math.abs(Math.log(ratio / (w / h)))).toBeLessThan(0.1)
  })
})

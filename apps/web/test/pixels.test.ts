import { join } from 'node:path'
import type { Browser, Page } from 'playwright-core'
import sharp, { type Sharp } from 'sharp'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeImage } from '@cflow/datasets/node'
import { chromiumPath, launchChromium } from './chromium.ts'
import type { InPage } from './in-page/calls.ts'
import { artefacts, buildInPage, serveFolder, type Site } from './site.ts'

const chromium = chromiumPath()
const built = join(artefacts, 'pixels/dist')
const [width, height] = [97, 61]

/** A picture with all opacities, none among them, and colours everywhere. */
const rgba = (): Sharp => {
  const data = Buffer.alloc(4 * width * height)
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)]
    data.set([x * 2.6, y * 4, 128 + 90 * Math.sin(x / 9 + y / 5), Math.max(0, x * 3 - 30)], 4 * i)
  }
  return sharp(data, { raw: { width, height, channels: 4 } })
}
const rgb = () => rgba().removeAlpha()
const deep = (channels: 3 | 4) => {
  const data = Uint16Array.from({ length: width * height * channels }, (_, i) => (i * 977) % 65536)
  return sharp(data, { raw: { width, height, channels } }).toColourspace('rgb16')
}

/** A JPEG with an orientation in EXIF; sharp writes none for inks. */
const withOrientation = (jpeg: Buffer, orientation: number): Buffer => {
  const exif = `Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0${String.fromCharCode(orientation)}\0\0\0\0\0\0`
  const segment = Buffer.from(`\xff\xe1\0${String.fromCharCode(exif.length + 2)}${exif}`, 'latin1')
  return Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)])
}

/** A CMYK JPEG whose marker says YCCK: the same numbers, taken for luma and chroma. */
const ycck = async () => {
  const file = await rgb().toColourspace('cmyk').jpeg({ quality: 95 }).toBuffer()
  file[file.indexOf('Adobe') + 11] = 2
  return file
}

const files: Readonly<Record<string, () => Sharp | { toBuffer(): Promise<Buffer> }>> = {
  'PNG': () => rgb().png(),
  'PNG with alpha': () => rgba().png(),
  'PNG with alpha, interlaced': () => rgba().png({ progressive: true }),
  'PNG of a palette': () => rgb().png({ palette: true }),
  'PNG of a palette with alpha': () => rgba().png({ palette: true }),
  'PNG, grey': () => rgb().toColourspace('b-w').png(),
  'PNG, grey with alpha': () => rgba().toColourspace('b-w').png(),
  'PNG of 16 bits': () => deep(3).png(),
  'PNG of 16 bits with alpha': () => deep(4).png(),
  'PNG with a colour profile': () => rgb().withIccProfile('p3').png(),
  'WebP with alpha': () => rgba().webp(),
  'WebP with alpha, lossless': () => rgba().webp({ lossless: true, exact: true }),
  'GIF with alpha': () => rgba().gif(),
  'JPEG': () => rgb().jpeg(),
  'JPEG, grey': () => rgb().toColourspace('b-w').jpeg(),
  'JPEG, progressive': () => rgb().jpeg({ progressive: true, chromaSubsampling: '4:4:4' }),
  'JPEG, CMYK': () => rgb().toColourspace('cmyk').jpeg({ quality: 95 }),
  'JPEG, CMYK, progressive': () => rgb().toColourspace('cmyk').jpeg({ progressive: true }),
  'JPEG, YCCK': () => ({ toBuffer: ycck }),
  'JPEG, CMYK with EXIF orientation 8': () => ({
    toBuffer: async () => withOrientation(await rgb().toColourspace('cmyk').jpeg().toBuffer(), 8),
  }),
  'JPEG, CMYK with a profile': () => rgb().toColourspace('cmyk').withIccProfile('cmyk').jpeg(),
  ...Object.fromEntries(
    (['jpeg', 'png', 'webp'] as const).flatMap((format) =>
      [1, 2, 3, 4, 5, 6, 7, 8].map((orientation) => [
        `${format.toUpperCase()} with EXIF orientation ${orientation}`,
        () => rgba().withMetadata({ orientation }).toFormat(format),
      ]),
    ),
  ),
  'WEBP, animated, with EXIF orientation': () =>
    sharp(Buffer.alloc(24 * 16 * 3, 90), { raw: { width: 24, height: 16, channels: 3, pageHeight: 8 } })
      .withMetadata({ orientation: 6 })
      .webp({ loop: 0, delay: [100, 100] }),
} // prettier-ignore

describe.skipIf(!chromium)('the pixels that a browser and the command see are the same', () => {
  let site: Site
  let browser: Browser
  let page: Page
  beforeAll(async () => {
    await buildInPage(built)
    site = await serveFolder(built, '/')
    browser = await launchChromium(chromium!)
    page = await browser.newPage()
    await page.goto(site.url)
  })
  afterAll(async () => {
    await browser?.close()
    await site?.close()
  })
  const inPage = (file: Buffer, type: string) =>
    page.evaluate(
      ([bytes, mime]) => (globalThis as unknown as { inPage: InPage }).inPage.pixels(bytes, mime),
      [file.toString('base64'), type] as const,
    )

  /** Largest difference of a value; the sizes must agree. */
  const difference = async (file: Buffer, type: string) => {
    const node = await decodeImage(file)
    const { data, ...size } = await inPage(file, type)
    expect(size).toEqual({ width: node.width, height: node.height })
    const there = Buffer.from(data, 'base64')
    expect(there.length).toBe(node.data.length)
    return node.data.reduce((most, v, i) => Math.max(most, Math.abs(v - there[i]!)), 0)
  }

  it.each(Object.entries(files))('%s', async (name, made) => {
    const file = await made().toBuffer()
    if (/CMYK|YCCK/.test(name)) expect((await sharp(file).metadata()).space).toBe('cmyk')
    expect(await difference(file, `image/${name.split(/[ ,]/)[0]!.toLowerCase()}`)).toBe(0)
  })

  it('AVIF with alpha, to the rounding of its colours', async () => {
    expect(await difference(await rgba().avif().toBuffer(), 'image/avif')).toBeLessThanOrEqual(1)
  })

  it.each([
    [4200, 50],
    [50, 4200],
  ])('%i×%i, larger than what goes through the GPU at once', async (wide, high) => {
    const data = Buffer.alloc(4 * wide * high)
    for (let i = 0; i < data.length; i++) data[i] = (i * 7919) >> 5
    const raw = { width: wide, height: high, channels: 4 } as const
    expect(await difference(await sharp(data, { raw }).png().toBuffer(), 'image/png')).toBe(0)
  })

  describe('and what is refused is the same, with its reason', () => {
    const refused = async (file: Buffer, type: string) => {
      await expect(decodeImage(file)).rejects.toMatchObject({ code: 'IMAGE' })
      return inPage(file, type).then(
        () => 'not refused',
        (error: unknown) => String(error),
      )
    }
    it.each(['png', 'jpeg', 'webp'] as const)('a %s that is cut off', async (format) => {
      const file = await rgb().toFormat(format).toBuffer()
      for (const share of [0.1, 0.5, 0.9])
        expect(
          await refused(file.subarray(0, Math.floor(share * file.length)), `image/${format}`),
        ).toMatch(/cut off/)
    })
    it('a JPEG with a hole', async () => {
      const file = await rgb().jpeg({ quality: 95 }).toBuffer()
      const middle = Math.floor(file.length / 2)
      file.fill(0, middle, middle + 600)
      expect(await refused(file, 'image/jpeg')).toMatch(/damaged/)
    })
    it('more than 100 million pixels', async () => {
      const create = { width: 12_000, height: 10_000, channels: 3, background: 'grey' } as const
      for (const format of ['png', 'jpeg'] as const)
        expect(
          await refused(await sharp({ create }).toFormat(format).toBuffer(), `image/${format}`),
        ).toMatch(/12000×10000 pixels, more than the 100 million/)
    })
    it.each([
      ['HEIC', '\0\0\0\x18ftypheic\0\0\0\0heicmif1', /is HEIC/],
      ['nothing', '', /is empty/],
      ['text', 'hello', /is not an image/],
    ])('%s', async (_, content, reason) => {
      expect(await refused(Buffer.from(content, 'latin1'), '')).toMatch(reason)
    })
  })
})

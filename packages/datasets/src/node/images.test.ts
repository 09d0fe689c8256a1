import { temporaryFolder } from '@cflow/base/testing'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { decodeImage, encodeMaskPng, encodePng, imageSize, writePng } from './images.js'
import { decodeMask } from './mask-file.js'

const dir = await temporaryFolder('images')

/** Raw pixels as an image in memory. */
function raw(width: number, height: number, channels: 1 | 2 | 3 | 4, values: readonly number[]) {
  return sharp(Uint8Array.from(values), { raw: { width, height, channels } })
}

function noisy(width: number, height: number): { width: number; height: number; data: Uint8Array } {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) % 251)
  return { width, height, data }
}

const failure = (code: string, text: RegExp): unknown =>
  expect.objectContaining({ name: 'CflowError', code, message: expect.stringMatching(text) })

describe('decodeImage', () => {
  it.each(['png', 'webp', 'tiff'] as const)('reads a lossless %s to the same bytes', async (f) => {
    const image = noisy(13, 9)
    const options = f === 'webp' ? { lossless: true } : f === 'tiff' ? { compression: 'lzw' } : {}
    const bytes = await sharp(image.data, { raw: { width: 13, height: 9, channels: 3 } })
      .toFormat(f, options)
      .toBuffer()
    expect(await decodeImage(bytes)).toEqual(image)
  })

  it('reads what encodePng wrote, from bytes and from a file', async () => {
    const image = noisy(5, 4)
    expect(await decodeImage(await encodePng(image))).toEqual(image)
    await writePng(join(dir, 'new', 'a.png'), image)
    expect(await decodeImage(join(dir, 'new', 'a.png'))).toEqual(image)
  })

  it('makes three equal channels of grey', async () => {
    const bytes = await raw(2, 1, 1, [7, 200]).toColourspace('b-w').png().toBuffer()
    expect([...(await decodeImage(bytes)).data]).toEqual([7, 7, 7, 200, 200, 200])
  })

  it('drops alpha without blending, of grey and of colour', async () => {
    const colour = await raw(2, 1, 4, [1, 2, 3, 0, 40, 50, 60, 128]).png().toBuffer()
    expect([...(await decodeImage(colour)).data]).toEqual([1, 2, 3, 40, 50, 60])
    const grey = await raw(2, 1, 2, [9, 0, 90, 255]).toColourspace('b-w').png().toBuffer()
    expect([...(await decodeImage(grey)).data]).toEqual([9, 9, 9, 90, 90, 90])
  })

  it('scales 16 bits to 8, of colour and of grey', async () => {
    const deep = Uint16Array.from([0, 255, 256, 0x8000, 0xffff, 0x1234])
    const colour = sharp(deep, { raw: { width: 2, height: 1, channels: 3 } })
    const bytes = await colour.toColourspace('rgb16').png().toBuffer()
    expect((await sharp(bytes).metadata()).depth).toBe('ushort')
    expect([...(await decodeImage(bytes)).data]).toEqual([0, 0, 1, 128, 255, 0x12])
    const grey = sharp(Uint16Array.from([0x4000, 0xfe00]), {
      raw: { width: 2, height: 1, channels: 1 },
    })
    const greyBytes = await grey.toColourspace('grey16').png().toBuffer()
    expect((await sharp(greyBytes).metadata()).depth).toBe('ushort')
    expect([...(await decodeImage(greyBytes)).data]).toEqual([64, 64, 64, 254, 254, 254])
  })

  it('looks palettes up', async () => {
    const values = [255, 0, 0, 0, 0, 255, 0, 255, 0, 255, 0, 0]
    const bytes = await raw(2, 2, 3, values).png({ palette: true }).toBuffer()
    expect((await sharp(bytes).metadata()).isPalette).toBe(true)
    expect([...(await decodeImage(bytes)).data]).toEqual(values)
  })

  it('turns the picture as EXIF orientation 6 says', async () => {
    const bytes = await raw(2, 1, 3, [255, 0, 0, 0, 0, 255])
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer()
    const image = await decodeImage(bytes)
    expect([image.width, image.height]).toEqual([1, 2])
    expect([...image.data]).toEqual([255, 0, 0, 0, 0, 255])
    expect(await imageSize(bytes)).toEqual({ width: 1, height: 2 })
  })

  describe('inks', () => {
    /** A JPEG with an orientation in EXIF; sharp writes none for inks. */
    const withOrientation = (jpeg: Buffer, orientation: number): Buffer => {
      const exif = `Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0${String.fromCharCode(orientation)}\0\0\0\0\0\0`
      const segment = Buffer.from(
        `\xff\xe1\0${String.fromCharCode(exif.length + 2)}${exif}`,
        'latin1',
      )
      return Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)])
    }

    const background = { r: 220, g: 30, b: 40 }
    const red = () => sharp({ create: { width: 16, height: 8, channels: 3, background } })
    /** Pixels of these inks: raw ones go into a file as they are. */
    const stored = async (...ink: readonly number[]) => {
      const raw = Buffer.from(Array.from({ length: 16 * 8 }, () => ink).flat())
      const base = await red().toColourspace('cmyk').tiff({ compression: 'none' }).toBuffer()
      const whole = await sharp(base).metadata()
      expect(whole).toMatchObject({ space: 'cmyk', channels: 4 })
      // the strips of an uncompressed TIFF lie together behind its header of eight bytes
      raw.copy(base, 8)
      return base
    }

    it('paper keeps the share of its white that neither ink nor black takes', async () => {
      const { data } = await decodeImage(await stored(0, 51, 255, 51))
      expect([...data.subarray(0, 3)]).toEqual([204, 163, 0])
      const white = await decodeImage(await stored(0, 0, 0, 0))
      expect(new Set(white.data)).toEqual(new Set([255]))
    })

    it('of a JPEG too, turned as EXIF says', async () => {
      const bytes = withOrientation(await red().toColourspace('cmyk').jpeg().toBuffer(), 6)
      expect((await sharp(bytes).metadata()).channels).toBe(4)
      const { data, ...size } = await decodeImage(bytes)
      expect(size).toEqual({ width: 8, height: 16 })
      expect(data[0]!).toBeGreaterThan(170)
      expect(data[1]!).toBeLessThan(90)
    })
  })

  it('takes the first frame of a GIF', async () => {
    const bytes = await sharp(noisy(6, 4).data, { raw: { width: 6, height: 4, channels: 3 } })
      .gif()
      .toBuffer()
    expect(await decodeImage(bytes)).toMatchObject({ width: 6, height: 4 })
  })

  it('leaves the numbers alone where there is an sRGB or wider profile', async () => {
    const image = noisy(4, 4)
    const bytes = await sharp(image.data, { raw: { width: 4, height: 4, channels: 3 } })
      .withIccProfile('p3')
      .png()
      .toBuffer()
    const stored = await sharp(bytes, { ignoreIcc: true }).raw().toBuffer()
    expect([...(await decodeImage(bytes)).data]).toEqual([...stored])
  })
})

describe('decodeImage refuses', () => {
  it.each(['png', 'jpeg', 'webp'] as const)('a truncated %s', async (format) => {
    const image = noisy(200, 200)
    const whole = await sharp(image.data, { raw: { width: 200, height: 200, channels: 3 } })
      .toFormat(format)
      .toBuffer()
    const path = join(dir, `cut.${format}`)
    await writeFile(path, whole.subarray(0, Math.floor(whole.length / 2)))
    const error = failure('IMAGE', /cut\.\w+ is (damaged|not an image)/)
    await expect(decodeImage(path)).rejects.toEqual(error)
  })

  it('a missing file, an empty one, a folder, and what is no image', async () => {
    await expect(decodeImage(join(dir, 'none.png'))).rejects.toEqual(failure('NOT_FOUND', /none/))
    await writeFile(join(dir, 'empty.png'), '')
    await expect(decodeImage(join(dir, 'empty.png'))).rejects.toEqual(failure('IMAGE', /is empty/))
    await expect(decodeImage(dir)).rejects.toEqual(failure('IMAGE', /is a folder/))
    await writeFile(join(dir, 'text.png'), 'This is no image, whatever its name says.')
    await expect(decodeImage(join(dir, 'text.png'))).rejects.toEqual(
      failure('IMAGE', /text\.png is not an image/),
    )
  })

  it('formats that are not read, by name, and floating-point pixels, naming what it can read', async () => {
    const heic = new TextEncoder().encode('\0\0\0\x1cftypheic\0\0\0\0mif1heic' + ' '.repeat(40))
    await expect(decodeImage(heic)).rejects.toEqual(failure('IMAGE', /is HEIC, which is not/))
    await expect(decodeImage(heic)).rejects.toMatchObject({ hint: /PNG, JPEG, WebP/ })
    const jxl = Uint8Array.from([0xff, 0x0a, ...new Array<number>(60).fill(0)])
    await expect(decodeImage(jxl)).rejects.toEqual(failure('IMAGE', /is JPEG XL/))
    const svg = new TextEncoder().encode(
      '<svg xmlns="http://www.w3.org/2000/svg" width="4" height="4"/>',
    )
    await expect(decodeImage(svg)).rejects.toEqual(failure('IMAGE', /SVG/))
    const float = await sharp(Float32Array.from([0.5, 1, 2]), {
      raw: { width: 1, height: 1, channels: 3 },
    })
      .toColourspace('scrgb')
      .tiff({ compression: 'none' })
      .toBuffer()
    if ((await sharp(float).metadata()).depth === 'float')
      await expect(decodeImage(float)).rejects.toEqual(failure('IMAGE', /float pixels/))
  })

  it('more than 100 million pixels, before decoding them', async () => {
    const bytes = await sharp({
      create: { width: 10_001, height: 10_000, channels: 3, background: '#000' },
      limitInputPixels: false,
    })
      .png({ compressionLevel: 1 })
      .toBuffer()
    await expect(decodeImage(bytes)).rejects.toEqual(failure('IMAGE', /10001×10000 pixels/))
  })
})

describe('decodeMask', () => {
  it('takes any value but zero, in any channel and depth, and ignores alpha', async () => {
    const grey = await raw(3, 1, 1, [0, 1, 255]).toColourspace('b-w').png().toBuffer()
    expect([...(await decodeMask(grey)).data]).toEqual([0, 1, 1])
    const colour = await raw(2, 1, 4, [0, 0, 3, 255, 0, 0, 0, 255]).png().toBuffer()
    expect([...(await decodeMask(colour)).data]).toEqual([1, 0])
    const deep = await sharp(Uint16Array.from([0, 3, 65535]), {
      raw: { width: 3, height: 1, channels: 1 },
    })
      .toColourspace('grey16')
      .png()
      .toBuffer()
    expect([...(await decodeMask(deep)).data]).toEqual([0, 1, 1])
  })

  it('reads what encodeMaskPng wrote, whose anomalous pixels are white', async () => {
    const mask = { width: 3, height: 2, data: Uint8Array.from([0, 1, 0, 1, 1, 0]) }
    const bytes = await encodeMaskPng(mask)
    expect(await decodeMask(bytes)).toEqual(mask)
    expect([...(await sharp(bytes).extractChannel(0).raw().toBuffer())]).toEqual([
      0, 255, 0, 255, 255, 0,
    ])
  })
})

it('encodePng refuses data of another size', async () => {
  const wrong = { width: 2, height: 2, data: new Uint8Array(5) }
  await expect(encodePng(wrong)).rejects.toEqual(failure('SHAPE', /needs 12 bytes, got 5/))
})

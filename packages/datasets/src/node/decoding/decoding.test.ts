import { Random, type RgbImage } from '@cflow/base'
import { createRequire } from 'node:module'
import sharp from 'sharp'
import { beforeAll, describe, expect, it } from 'vitest'
import { tiffOf } from '../../../test/tiff.js'
import { decodeImage, imageSize } from '../images.js'
import { decodeMask } from '../mask-file.js'

/** A photograph-like picture: waves with noise. */
function picture(width: number, height: number): RgbImage {
  const random = Random.seeded(width + height)
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)]
    return (
      128 + 50 * Math.sin(x / 9 + (i % 3)) + 50 * Math.cos(y / 7 + x / 31) + random.uniform(-9, 9)
    )
  })
  return { width, height, data }
}

const encoder = ({ width, height, data }: RgbImage) =>
  sharp(data, { raw: { width, height, channels: 3 } })

const damaged = expect.objectContaining({
  code: 'IMAGE',
  message: expect.stringMatching(/damaged or cut off/) as string,
  hint: expect.stringMatching(/Copy or export/) as string,
}) as unknown

describe('a JPEG that is damaged in the middle', () => {
  const kinds = {
    baseline: {},
    'without subsampling': { chromaSubsampling: '4:4:4' },
    progressive: { progressive: true },
    'progressive by mozjpeg': { mozjpeg: true },
    'with its own codes': { optimiseCoding: true, quality: 95 },
  }
  const damages: Record<string, (bytes: Uint8Array, at: number) => Uint8Array> = {
    zeros: (bytes, at) => bytes.fill(0, at, at + 600),
    noise: (bytes, at) => bytes.map((v, i) => (i >= at && i < at + 600 ? (i * 7919) % 255 : v)),
    'a piece missing': (bytes, at) =>
      Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 100)]),
    'a piece of elsewhere': (bytes, at) =>
      Buffer.concat([bytes.subarray(0, at), bytes.subarray(at - 300)]),
  }

  describe.each(Object.entries(kinds))('%s', (_, options) => {
    it.each([false, true])('is refused, and whole ones are not (grey: %s)', async (grey) => {
      for (const [width, height] of [
        [333, 250],
        [97, 61],
        [16, 8],
        [1, 1],
      ] as const) {
        const image = encoder(picture(width, height))
        const coloured = grey ? image.toColourspace('b-w') : image
        const whole = await coloured.jpeg(options).toBuffer()
        expect(await decodeImage(whole)).toMatchObject({ width, height })
        if (width < 300) continue
        let missed = 0
        for (const damage of Object.values(damages))
          for (const part of [0.4, 0.5, 0.6, 0.7, 0.8]) {
            const bytes = damage(Uint8Array.from(whole), Math.floor(whole.length * part))
            await decodeImage(bytes).then(
              () => missed++,
              (error: unknown) => expect(error).toEqual(damaged),
            )
          }
        // codes have no checksum: a reader that is put out of step may come back to it
        expect(missed).toBeLessThanOrEqual(4)
      }
    })
  })

  it('also with restart markers: one that is missing or out of order', async () => {
    const whole = withRestarts(
      await encoder(picture(64, 8)).jpeg({ chromaSubsampling: '4:4:4' }).toBuffer(),
    )
    expect(await decodeImage(whole)).toMatchObject({ width: 64 })
    // an interval of the length that the file has not
    const at = whole.indexOf(Buffer.from([0xff, 0xdd]))
    const wrong = Uint8Array.from(whole)
    wrong[at + 5] = 3
    await expect(decodeImage(wrong)).rejects.toEqual(damaged)
  })

  it('and bytes that cameras leave before the end are not damage', async () => {
    const whole = await encoder(picture(97, 61)).jpeg().toBuffer()
    const padded = Buffer.concat([
      whole.subarray(0, -2),
      Buffer.from([7, 7]),
      whole.subarray(-2),
      Buffer.alloc(500, 7),
    ])
    expect(await decodeImage(padded)).toEqual(await decodeImage(whole))
  })
})

/** A restart interval of all blocks of a picture: valid, and needing no marker. */
function withRestarts(jpeg: Uint8Array): Buffer {
  const scan = Buffer.from(jpeg).indexOf(Buffer.from([0xff, 0xda]))
  const interval = Buffer.from([0xff, 0xdd, 0, 4, 0, 8])
  return Buffer.concat([jpeg.subarray(0, scan), interval, jpeg.subarray(scan)])
}

describe('TIFF', () => {
  it('with channels that are no colours is refused, with alpha it is not', async () => {
    for (const [channels, photometric] of [
      [3, 1],
      [4, 1],
      [5, 1],
      [5, 2],
      [7, 1],
    ] as const)
      await expect(decodeImage(tiffOf(6, 4, channels, photometric))).rejects.toMatchObject({
        code: 'IMAGE',
        message: expect.stringMatching(/channels, not those of a photograph/) as string,
        hint: expect.stringMatching(/three \(red, green, blue\)/) as string,
      })
    for (const [channels, photometric] of [
      [1, 1],
      [2, 1],
      [3, 2],
      [4, 2],
    ] as const)
      expect(await decodeImage(tiffOf(6, 4, channels, photometric))).toMatchObject({ width: 6 })
  })
})

/** A BMP of 40 bytes of header. */
function bmpOf(
  [width, height, bits, compression]: readonly [number, number, number, number],
  palette: readonly number[],
  pixels: readonly number[],
): Uint8Array {
  const at = 54 + palette.length
  const head = Buffer.alloc(54)
  head.write('BM')
  head.writeUInt32LE(at + pixels.length, 2)
  head.writeUInt32LE(at, 10)
  head.writeUInt32LE(40, 14)
  head.writeInt32LE(width, 18)
  head.writeInt32LE(height, 22)
  head.writeUInt16LE(1, 26)
  head.writeUInt16LE(bits, 28)
  head.writeUInt32LE(compression, 30)
  if (bits <= 8) head.writeUInt32LE(palette.length / 4, 46)
  return Buffer.concat([head, Buffer.from(palette), Buffer.from(pixels)])
}

describe('BMP', () => {
  const [red, green, blue, black] = [
    [255, 0, 0],
    [0, 255, 0],
    [0, 0, 255],
    [0, 0, 0],
  ]
  const palette = [...[0, 0, 0, 0], ...[0, 0, 255, 0], ...[0, 255, 0, 0], ...[255, 0, 0, 0]]
  // above: red green blue; below: blue blue black
  const expected = [red, green, blue, blue, blue, black].flat()
  const pad = [0, 0, 0]
  const files: Record<string, Uint8Array> = {
    '24 bits': bmpOf([3, 2, 24, 0], [], [255, 0, 0, 255, 0, 0, 0, 0, 0, ...pad, 0, 0, 255, 0, 255, 0, 255, 0, 0, ...pad]),
    'the other way up': bmpOf([3, -2, 24, 0], [], [0, 0, 255, 0, 255, 0, 255, 0, 0, ...pad, 255, 0, 0, 255, 0, 0, 0, 0, 0]),
    '32 bits': bmpOf([3, 2, 32, 0], [], [[255, 0, 0, 9], [255, 0, 0, 9], [0, 0, 0, 9], [0, 0, 255, 9], [0, 255, 0, 9], [255, 0, 0, 9]].flat()),
    'masks': bmpOf([3, 2, 32, 3], [0, 0, 0, 255, 0, 0, 255, 0, 0, 255, 0, 0], [[0, 0, 255, 0], [0, 0, 255, 0], [0, 0, 0, 0], [0, 0, 0, 255], [0, 255, 0, 0], [0, 0, 255, 0]].map(([a, b, c, d]) => [a, c, b, d]).flat() as number[]),
    '16 bits': bmpOf([3, 2, 16, 0], [], [0x1f, 0, 0x1f, 0, 0, 0, 0, 0, 0, 0x7c, 0xe0, 3, 0x1f, 0, 0, 0]),
    '8 bits': bmpOf([3, 2, 8, 0], palette, [3, 3, 0, 0, 1, 2, 3, 0]),
    '4 bits': bmpOf([3, 2, 4, 0], palette, [0x33, 0, 0, 0, 0x12, 0x30, 0, 0]),
    'runs of 8 bits': bmpOf([3, 2, 8, 1], palette, [2, 3, 0, 0, 0, 3, 1, 2, 3, 0, 0, 1]),
    'runs of 4 bits': bmpOf([3, 2, 4, 2], palette, [2, 0x33, 0, 0, 1, 0x10, 1, 0x20, 1, 0x30, 0, 1]),
  } // prettier-ignore

  it.each(Object.entries(files))('of %s is read', async (name, bytes) => {
    if (name === 'masks') return expect((await decodeImage(bytes)).data.length).toBe(18)
    expect(await decodeImage(bytes)).toMatchObject({ width: 3, height: 2 })
    expect([...(await decodeImage(bytes)).data]).toEqual(expected)
    expect(await imageSize(bytes)).toEqual({ width: 3, height: 2 })
  })

  it('of 1 bit is read, and as a mask', async () => {
    const bytes = bmpOf(
      [10, 1, 1, 0],
      [0, 0, 0, 0, 255, 255, 255, 0],
      [0b10100000, 0b01000000, 0, 0],
    )
    expect([...(await decodeMask(bytes)).data]).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 0, 1])
  })

  it('that is cut off, or whose numbers cannot be, is refused', async () => {
    for (const bytes of Object.values(files))
      for (const length of [20, 40, 54, bytes.length - 6])
        await expect(decodeImage(bytes.subarray(0, length))).rejects.toMatchObject({
          code: 'IMAGE',
        })
    const huge = Uint8Array.from(files['24 bits']!)
    new DataView(huge.buffer).setInt32(18, 2 ** 30, true)
    await expect(decodeImage(huge)).rejects.toThrow(/more than the 100 million/)
    const jpeg = bmpOf([3, 2, 24, 4], [], [1, 2, 3])
    await expect(decodeImage(jpeg)).rejects.toThrow(/compression 4, which is not supported/)
  })
})

describe('PBM, PGM and PPM', () => {
  const text = (content: string, ...bytes: number[]) =>
    Buffer.concat([Buffer.from(content), Buffer.from(bytes)])

  it.each<[string, Uint8Array, number[]]>([
    ['P6', text('P6\n# a comment\n2 1\n255\n', 1, 2, 3, 4, 5, 6), [1, 2, 3, 4, 5, 6]],
    ['P5', text('P5 2 1 255\n', 7, 200), [7, 7, 7, 200, 200, 200]],
    ['P5 of 16 bits', text('P5 2 1 65535\n', 0x12, 0x34, 0xff, 0xff), [18, 18, 18, 255, 255, 255]],
    ['P5 of 12 bits', text('P5 2 1 4095\n', 0x0f, 0xff, 0x08, 0), [255, 255, 255, 128, 128, 128]],
    ['P3', text('P3 1 1 15 # here\n15 0 5'), [255, 0, 85]],
    ['P2', text('P2\n2 1\n255\n7 200\n'), [7, 7, 7, 200, 200, 200]],
    ['P1', text('P1 2 1\n10'), [0, 0, 0, 255, 255, 255]],
    ['P4', text('P4 2 1\n', 0b10000000), [0, 0, 0, 255, 255, 255]],
  ])('%s is read', async (_, bytes, pixels) => {
    expect([...(await decodeImage(bytes)).data]).toEqual(pixels)
    for (let length = 3; length < bytes.length; length++)
      await decodeImage(bytes.subarray(0, length)).then(
        // a number in text may be cut and still be one
        (image) => expect(image.data.length).toBe(pixels.length),
        (error: unknown) => expect(error).toMatchObject({ code: 'IMAGE' }),
      )
  })

  it('counts any value but zero of a mask, also of 16 bits', async () => {
    const mask = await decodeMask(text('P5 3 1 65535\n', 0, 0, 0, 3, 255, 255))
    expect([...mask.data]).toEqual([0, 1, 1])
  })

  it('is refused where numbers cannot be', async () => {
    for (const wrong of ['P5 0 1 255\n', 'P5 2 1 0\n', 'P5 2 1 70000\n', 'P2 1 1 9 10 ', 'P5 x'])
      await expect(decodeImage(text(wrong))).rejects.toEqual(damaged)
    await expect(decodeImage(text('P5 99999 99999 255\n'))).rejects.toThrow(/100 million/)
  })
})

describe('JPEG 2000', () => {
  interface Encoder {
    getDecodedBuffer(info: object): Uint8Array
    setQuality(lossless: boolean, layer: number): void
    encode(): void
    getEncodedBuffer(): Uint8Array
  }
  const silent = { print: () => undefined, printErr: () => undefined }
  type Open = (options: object) => Promise<{ J2KEncoder: new () => Encoder }>
  const open = createRequire(import.meta.url)('@cornerstonejs/codec-openjpeg/wasmjs') as Open
  let codec: Awaited<ReturnType<Open>>
  beforeAll(async () => {
    codec = await open(silent)
  })

  function encoded(
    width: number,
    height: number,
    count: number,
    bits: number,
    pixels: Uint8Array,
    lossless = true,
  ) {
    const made = new codec.J2KEncoder()
    const info = { width, height, bitsPerSample: bits, componentCount: count, isSigned: false }
    made.getDecodedBuffer({ ...info, isUsingColorTransform: false }).set(pixels)
    made.setQuality(lossless, 0)
    made.encode()
    return Uint8Array.from(made.getEncodedBuffer())
  }
  const box = (type: string, ...content: (Uint8Array | readonly number[])[]) => {
    const data = Buffer.concat(content.map((c) => Buffer.from(c as Uint8Array)))
    const head = Buffer.alloc(8)
    head.writeUInt32BE(data.length + 8)
    head.write(type, 4, 'latin1')
    return Buffer.concat([head, data])
  }
  const jp2 = (codestream: Uint8Array, space = 16) =>
    Buffer.concat([
      box('jP  ', [13, 10, 0x87, 10]),
      box('ftyp', Buffer.from('jp2 \0\0\0\0jp2 ', 'latin1')),
      box(
        'jp2h',
        box('ihdr', [0, 0, 0, 64, 0, 0, 0, 97, 0, 3, 7, 7, 0, 0]),
        box('colr', [1, 0, 0, 0, 0, 0, space]),
      ),
      box('jp2c', codestream),
    ])

  it('is read to the same bytes, as a file and as a bare picture', async () => {
    const image = picture(97, 64)
    const bytes = encoded(97, 64, 3, 8, image.data)
    expect(await decodeImage(jp2(bytes))).toEqual(image)
    expect(await decodeImage(bytes)).toEqual(image)
    expect(await imageSize(jp2(bytes))).toEqual({ width: 97, height: 64 })
    const deep = Uint16Array.from(image.data.subarray(0, 97 * 64), (v) => v * 16)
    const grey = encoded(97, 64, 1, 12, new Uint8Array(deep.buffer))
    const { data } = await decodeImage(grey)
    expect(data[0]).toBe(Math.round((deep[0]! * 255) / 4095))
    expect([data[1], data[2]]).toEqual([data[0], data[0]])
  })

  it('is read as a mask, and what lost information is said', async () => {
    const truth = Uint8Array.from({ length: 96 * 64 }, (_, i) => Number(i % 96 > 40 && i > 1920))
    const white = truth.map((v) => v * 255)
    const whole = await decodeMask(encoded(96, 64, 1, 8, white))
    expect([...whole.data]).toEqual([...truth])
    expect(whole.remarks).toBeUndefined()
    const deep = Uint16Array.from(truth, (v) => v * 4095)
    expect([...(await decodeMask(encoded(96, 64, 1, 12, new Uint8Array(deep.buffer)))).data]).toEqual([...truth]) // prettier-ignore
    const lossy = await decodeMask(encoded(96, 64, 1, 8, white, false))
    expect(lossy.remarks!.join()).toMatch(/stored with loss \(JPEG 2000\)/)
    expect(lossy.data.reduce((n, v, i) => n + Number(v !== truth[i]), 0)).toBeLessThan(60)
  })

  it('that is cut off, too large or of other colours is refused', async () => {
    const bytes = encoded(97, 64, 3, 8, picture(97, 64).data)
    for (const length of [30, 200, Math.floor(bytes.length / 2)])
      await expect(decodeImage(bytes.subarray(0, length))).rejects.toMatchObject({ code: 'IMAGE' })
    await expect(decodeImage(jp2(bytes, 18))).rejects.toThrow(/colours of another kind/)
    const huge = Uint8Array.from(bytes)
    new DataView(huge.buffer).setUint32(8, 2 ** 30)
    await expect(decodeImage(huge)).rejects.toThrow(/100 million/)
  })
})

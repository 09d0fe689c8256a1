import type { RgbImage } from '@cflow/base'
import { temporaryFolder } from '@cflow/base/testing'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import sharp, { type Sharp } from 'sharp'
import { beforeEach, describe, expect, it } from 'vitest'
import { type DatasetSettings, openDataset } from './drivers.js'
import { decodeMask, turned } from './mask-file.js'
import { maskOf } from './masks.js'

const dir = await temporaryFolder('masks')
let root = ''
let count = 0
beforeEach(async () => {
  root = join(dir, `set${count++}`)
  await mkdir(root)
})

type Shape = (x: number, y: number) => boolean

/** An L in a corner, so that no turn leaves it where it is. */
const shape: Shape = (x, y) => (x >= 4 && x < 9 && y >= 3 && y < 20) || (x < 16 && x >= 4 && y < 7 && y >= 3) // prettier-ignore

/** A picture whose pixels are one colour in the shape and another outside. */
function drawn(
  width: number,
  height: number,
  inside: readonly number[],
  outside: readonly number[],
  of: Shape = shape,
): Sharp {
  const channels = inside.length as 1 | 2 | 3 | 4
  const data = new Uint8Array(width * height * channels)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      data.set(of(x, y) ? inside : outside, (y * width + x) * channels)
  const image = sharp(data, { raw: { width, height, channels } })
  return channels < 3 ? image.toColourspace('b-w') : image
}

const truth = (width: number, height: number): readonly number[] =>
  Array.from({ length: width * height }, (_, i) =>
    shape(i % width, Math.floor(i / width)) ? 1 : 0,
  )

function photo(width: number, height: number): Sharp {
  const data = Uint8Array.from({ length: width * height * 3 }, (_, i) => (i * 7919) % 251)
  return sharp(data, { raw: { width, height, channels: 3 } })
}

const [w, h] = [48, 32]

describe('a mask is what it shows', () => {
  it.each<[string, Sharp, RegExp?]>([
    ['white on black', drawn(w, h, [255], [0])],
    ['a number of a class', drawn(w, h, [3], [0])],
    ['colours on black', drawn(w, h, [0, 0, 9], [0, 0, 0])],
    ['a palette', drawn(w, h, [200, 30, 0], [0, 0, 0]).png({ palette: true })],
    ['16 bits', drawn(w, h, [255], [0]).toColourspace('grey16')],
    ['only alpha, black', drawn(w, h, [0, 0, 0, 255], [0, 0, 0, 0]), /alpha/],
    ['only alpha, white', drawn(w, h, [255, 255, 255, 255], [255, 255, 255, 0]), /alpha/],
    ['black on transparent white', drawn(w, h, [0, 0, 0, 255], [255, 255, 255, 0]), /alpha/],
    ['half transparent red', drawn(w, h, [255, 0, 0, 128], [0, 0, 0, 0]), /alpha/],
    ['grey with alpha', drawn(w, h, [0, 255], [0, 0]), /alpha/],
    ['white on opaque black', drawn(w, h, [255, 255, 255, 255], [0, 0, 0, 255])],
    ['red on white', drawn(w, h, [255, 0, 0], [255, 255, 255]), /no black/],
    ['white on grey', drawn(w, h, [255], [90]), /no black/],
  ])('%s', async (_, image, remark) => {
    const format = await image
      .clone()
      .toBuffer({ resolveWithObject: true })
      .catch(() => undefined)
    const bytes = await (format?.info.format === 'png' ? image : image.png()).toBuffer()
    const { data, remarks } = await decodeMask(bytes)
    expect([...data]).toEqual(truth(w, h))
    if (remark) expect(remarks?.join()).toMatch(remark)
    else expect(remarks).toBeUndefined()
  })

  it.each(['jpeg', 'webp', 'avif'] as const)('and lossy %s keeps no ripples', async (format) => {
    const bytes = await drawn(w, h, [255], [0]).toFormat(format, { quality: 60 }).toBuffer()
    const { data, remarks } = await decodeMask(bytes)
    const differ = data.reduce((n, v, i) => n + (v === truth(w, h)[i] ? 0 : 1), 0)
    const marked = data.reduce((a, b) => a + b, 0)
    expect(marked).toBeGreaterThan(100)
    expect(differ).toBeLessThan(8)
    expect(remarks?.join()).toMatch(/with loss \((JPEG|WebP|AVIF)\)/)
  })

  it('nor do ripples that were stored again without loss', async () => {
    const lossy = await drawn(w, h, [255], [0]).jpeg({ quality: 60 }).toBuffer()
    const { data, remarks } = await decodeMask(await sharp(lossy).png().toBuffer())
    expect(data.reduce((n, v, i) => n + (v === truth(w, h)[i] ? 0 : 1), 0)).toBeLessThan(8)
    expect(remarks?.join()).toMatch(/soft edges/)
    const lossless = await drawn(w, h, [255], [0]).webp({ lossless: true }).toBuffer()
    expect((await decodeMask(lossless)).remarks).toBeUndefined()
  })

  it('but a photograph is none', async () => {
    for (const bytes of [await photo(w, h).png().toBuffer(), await photo(w, h).jpeg().toBuffer()])
      await expect(decodeMask(bytes)).rejects.toMatchObject({
        ...{ code: 'MASK', message: /no mask: it has \d+ shades/ },
        hint: /black .* white/,
      })
  })
})

/** A set with two good images and some defective ones, as `bad/0.EXT` with `masks/bad/0.EXT`. */
async function put(
  images: readonly (readonly [image: Sharp, mask: Sharp])[],
  { image = 'png', mask = 'png' } = {},
): Promise<void> {
  for (const folder of ['good', 'bad', 'masks/bad'])
    await mkdir(join(root, folder), { recursive: true })
  for (const i of [0, 1])
    await photo(w, h)
      .png()
      .toFile(join(root, 'good', `g${i}.png`))
  for (const [i, [picture, truth]] of images.entries()) {
    await picture.toFormat(image as 'png').toFile(join(root, 'bad', `${i}.${image}`))
    await truth.toFormat(mask as 'png').toFile(join(root, 'masks/bad', `${i}.${mask}`))
  }
}

const open = (settings: DatasetSettings = {}) => openDataset({ root, ...settings })

const loaded = async (settings: DatasetSettings = {}) =>
  Promise.all((await open(settings)).test.map((s) => s.loadMask!()))

describe('the masks of a set', () => {
  it('are inverted where all are light at their border and mostly light', async () => {
    const small: Shape = (x, y) => x === 20 && y === 10
    await put([
      [photo(w, h), drawn(w, h, [0], [255])],
      [photo(w, h), drawn(w, h, [0], [255], small)],
    ])
    const [first, second] = await loaded()
    expect([...first!.data]).toEqual(truth(w, h))
    expect(second!.data.reduce((a, b) => a + b, 0)).toBe(1)
    expect((await open()).reading!.warnings.join()).toMatch(/dark is taken .*--mask-polarity light/)
    const [light] = await loaded({ maskPolarity: 'light' })
    expect(light!.data[0]).toBe(1)
    expect(light!.remarks?.join()).toMatch(/marks 9\d % of the image/)
  })

  it('are inverted too where the defect is what is transparent', async () => {
    await put([[photo(w, h), drawn(w, h, [255, 255, 255, 0], [255, 255, 255, 255])]])
    expect([...(await loaded())[0]!.data]).toEqual(truth(w, h))
  })

  it('stay as they are where only some are mostly light, and that is said', async () => {
    await put([
      [photo(w, h), drawn(w, h, [255], [0])],
      [photo(w, h), drawn(w, h, [0], [255])],
    ])
    const [first, second] = await loaded()
    expect([...first!.data]).toEqual(truth(w, h))
    expect(second!.remarks).toEqual([expect.stringMatching(/marks 9\d % .* inverted\?/)])
  })

  it('are said to be empty', async () => {
    await put([[photo(w, h), drawn(w, h, [0], [0])]])
    expect((await loaded())[0]!.remarks).toEqual([expect.stringMatching(/is empty/)])
  })

  it('are stretched where they are of the same shape, and refused of another', async () => {
    await put([[photo(w * 2, h * 2), drawn(w, h, [255], [0])]])
    const [mask] = await loaded()
    expect([mask!.width, mask!.height]).toEqual([w * 2, h * 2])
    expect(mask!.data.reduce((a, b) => a + b, 0)).toBe(4 * truth(w, h).reduce((a, b) => a + b, 0))
    expect(mask!.remarks?.join()).toMatch(/another size/)
    root = join(dir, `set${count++}`)
    await put([[photo(w, h), drawn(w, h + 5, [255], [0])]])
    await expect(open()).rejects.toMatchObject({
      code: 'MASK',
      message: /48×37 pixels and .* 48×32/,
    })
  })
})

describe('masks of images that EXIF turns', () => {
  const exif = (image: Sharp, orientation: number) => image.withMetadata({ orientation })

  it.each([2, 3, 4, 5, 6, 7, 8])('orientation %i turns a mask as it turns its image', async (o) => {
    // the photograph shows the shape itself, so that it says where the mask belongs
    const stored = drawn(w, h, [255, 255, 255], [0, 0, 0])
    await put([[exif(stored, o), drawn(w, h, [255], [0])]])
    const settings = o < 5 ? { maskOrientation: 'stored' as const } : {}
    const set = await open(settings)
    const [sample] = set.test
    const image: RgbImage = await sample!.load()
    const mask = await sample!.loadMask!()
    expect([mask.width, mask.height]).toEqual([image.width, image.height])
    expect([...mask.data]).toEqual(
      Array.from({ length: w * h }, (_, i) => (image.data[i * 3]! > 128 ? 1 : 0)),
    )
    expect(mask.remarks?.join()).toMatch(/as it is stored/)
  })

  it('sizes tell that a mask was drawn on what is shown', async () => {
    await put([[exif(photo(w, h), 6), drawn(h, w, [255], [0])]])
    const [mask] = await loaded()
    expect([...mask!.data]).toEqual(truth(h, w))
    expect(mask!.remarks).toBeUndefined()
  })

  it('a mask with the same orientation is turned too', async () => {
    await put([[exif(photo(w, h), 3), exif(drawn(w, h, [255], [0]), 3)]])
    const [mask] = await loaded()
    const plain = { width: w, height: h, data: Uint8Array.from(truth(w, h)) }
    expect([...mask!.data]).toEqual([...turned(plain, 3).data])
  })

  it('are asked for where sizes fit both ways', async () => {
    await put([[exif(photo(h, h), 6), drawn(h, h, [255], [0])]])
    await expect(open()).rejects.toMatchObject({
      ...{ code: 'MASK', message: /EXIF orientation 6/ },
      hint: /--mask-orientation shown.*--mask-orientation stored/,
    })
    expect([...(await loaded({ maskOrientation: 'shown' }))[0]!.data]).toEqual(truth(h, h))
  })

  it('are told by others of the set', async () => {
    await put([
      [exif(photo(h, h), 6), drawn(h, h, [255], [0])],
      [exif(photo(w, h), 6), drawn(w, h, [255], [0])],
    ])
    const [square] = await loaded()
    const plain = { width: h, height: h, data: Uint8Array.from(truth(h, h)) }
    expect([...square!.data]).toEqual([...turned(plain, 6).data])
  })
})

it('several masks of an image count together', async () => {
  const one: Shape = (x, y) => x === 1 && y === 1
  const two: Shape = (x, y) => x === 5 && y === 2
  await photo(w, h).png().toFile(join(root, 'a.png'))
  await drawn(w, h, [255], [0], one).png().toFile(join(root, 'a1.png'))
  await drawn(w, h, [254], [0], two).png().toFile(join(root, 'a2.png'))
  const paths = ['a1.png', 'a2.png'].map((name) => join(root, name))
  const { data } = await maskOf(join(root, 'a.png'), paths, {})
  expect([...data.keys()].filter((i) => data[i])).toEqual([w + 1, 2 * w + 5])
})

import { temporaryFolder } from '@cflow/base/testing'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Dataset } from '../../dataset.js'
import { type DatasetSettings, openDataset } from '../drivers.js'
import { writeMap, writeOverlay, writePredictedMask, writeSheet } from '../made.js'
import { meaningOf } from './names.js'

const base = await temporaryFolder('reading')
let root = ''
let count = 0
beforeEach(async () => {
  root = join(base, `set${count++}`)
  await mkdir(root)
})

const size = 16

/** A photograph, as far as its shades go. */
function photo(seed: number) {
  const data = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 37 + seed * 101) % 251)
  return sharp(data, { raw: { width: size, height: size, channels: 3 } })
}

/** A mask with so many anomalous pixels. */
function mask(pixels: number) {
  const data = Uint8Array.from({ length: size * size }, (_, i) =>
    i >= 40 && i < 40 + pixels ? 255 : 0,
  )
  return sharp(data, { raw: { width: size, height: size, channels: 1 } }).toColourspace('b-w')
}

/** Photographs, and masks of 5 pixels where the path is `mask:…` or of none where it is `empty:…`. */
async function put(...paths: readonly string[]): Promise<void> {
  for (const [i, text] of paths.entries()) {
    const [, kind, path = ''] = /^(?:(mask|empty):)?(.*)$/.exec(text)!
    const to = join(root, path)
    await mkdir(dirname(to), { recursive: true })
    const image = kind === undefined ? photo(i) : mask(kind === 'mask' ? 5 : 0)
    const bytes = await (
      /\.jpe?g$|\.jfif$|\.jpe$/i.test(path) ? image.jpeg() : image.png()
    ).toBuffer()
    await writeFile(to, bytes)
  }
}

/** A BMP of 24 bits of red, green and blue. */
function bmpOf(pixels: Uint8Array): Uint8Array {
  const bytes = Buffer.alloc(54 + pixels.length)
  bytes.write('BM', 'latin1')
  bytes.writeUInt32LE(54, 10)
  bytes.writeUInt32LE(40, 14)
  bytes.writeInt32LE(size, 18)
  bytes.writeInt32LE(-size, 22) // from the top
  bytes.writeUInt16LE(1, 26)
  bytes.writeUInt16LE(24, 28)
  for (let i = 0; i < pixels.length; i++) bytes[54 + i - (i % 3) + (2 - (i % 3))] = pixels[i]!
  return bytes
}

/** The pixels of a grey picture as red, green and blue. */
const threefold = async (grey: ReturnType<typeof mask>): Promise<Uint8Array> => {
  const pixels = await grey.raw().toBuffer()
  return Uint8Array.from({ length: pixels.length * 3 }, (_, i) => pixels[Math.floor(i / 3)]!)
}

const numbered = (folder: string, n: number, ending = '.png'): string[] =>
  Array.from({ length: n }, (_, i) => `${folder}/${String(i).padStart(3, '0')}${ending}`)

const open = (settings: DatasetSettings = {}) => openDataset({ root, ...settings })

/** `folder: role images [masks]`, one for each row of the reading. */
const rows = ({ reading }: Dataset): string[] =>
  reading!.folders.map(({ folder, role, defect, images, masks }) => {
    const what = role === 'test defect' ? `test ${defect}` : role
    return `${folder}: ${what} ${images}${masks > 0 ? ` masked ${masks}` : ''}`
  })

const learned = (set: Dataset): string[] => set.train.map((s) => s.id)
const judged = (set: Dataset): string[] => set.test.map((s) => `${s.id} ${s.defect}`)

async function refused(settings: DatasetSettings, text: RegExp, ...hints: RegExp[]): Promise<void> {
  const error = await open(settings).then(
    () => undefined,
    (e: unknown) => e as { code: string; message: string; hint: string },
  )
  expect(error?.message).toMatch(text)
  expect(error?.code).toBe('USAGE')
  for (const hint of hints) expect(error?.hint).toMatch(hint)
}

describe('layouts that are in use', () => {
  it('MVTec AD 2: public test images, and nothing of validation and private ones', async () => {
    await put(
      ...numbered('train/good', 5),
      ...numbered('validation/good', 2),
      ...numbered('test_public/good', 2),
      ...numbered('test_public/bad', 2),
      ...numbered('test_public/ground_truth/bad', 2, '_mask.png').map((p) => `mask:${p}`),
      ...numbered('test_private', 3),
      ...numbered('test_private_mixed', 3),
    )
    const set = await open()
    expect(rows(set)).toEqual([
      'test_private: left out 3',
      'test_private_mixed: left out 3',
      'test_public/bad: test bad 2 masked 2',
      'test_public/good: test good 2',
      'train/good: train 5',
      'validation/good: left out 2',
      'test_public/ground_truth/bad: masks 2',
    ])
    expect(learned(set)).toEqual(numbered('train/good', 5))
    expect((await set.test[0]!.loadMask!()).data.reduce((a, b) => a + b, 0)).toBe(5)
    expect(set.reading!.folders[5]!.why).toMatch(/--good validation\/good/)
    const more = await open({ good: ['validation'] })
    expect(learned(more)).toEqual([...numbered('train/good', 5), ...numbered('validation/good', 2)])
    const strict = await openDataset({ dataset: 'mvtec', root })
    expect(rows(strict)).toEqual(rows(set))
  })

  it('VisA as it is downloaded, with its own split where that is there', async () => {
    await put(
      ...numbered('candle/Data/Images/Normal', 6, '.JPG'),
      ...numbered('candle/Data/Images/Anomaly', 3, '.JPG'),
      ...numbered('candle/Data/Masks/Anomaly', 3).map((p) => `mask:${p}`),
    )
    const set = await open()
    expect(set.train).toHaveLength(5)
    expect(set.test.filter((s) => s.label === 'anomalous' && s.loadMask)).toHaveLength(3)
    expect(set.test.filter((s) => s.label === 'good')).toHaveLength(1)
    const lines = ['object,split,label,image,mask']
    for (const [i, path] of numbered('candle/Data/Images/Normal', 6, '.JPG').entries())
      if (i < 5) lines.push(`candle,${i < 3 ? 'train' : 'test'},normal,${path},`)
    lines.push(
      'candle,test,anomaly,candle/Data/Images/Anomaly/001.JPG,candle/Data/Masks/Anomaly/001.png',
    )
    await mkdir(join(root, 'split_csv'))
    await writeFile(join(root, 'split_csv/1cls.csv'), lines.join('\n'))
    const own = await openDataset({ root: join(root, 'candle') })
    expect(learned(own)).toEqual(numbered('Data/Images/Normal', 3, '.JPG'))
    expect(judged(own)).toEqual([
      'Data/Images/Anomaly/001.JPG anomaly',
      'Data/Images/Normal/003.JPG good',
      'Data/Images/Normal/004.JPG good',
    ])
    expect(own.reading!.warnings.join()).toMatch(/split_csv/)
  })

  it('MVTec LOCO: a folder of masks for each image, which count together', async () => {
    await put(
      ...numbered('train/good', 4),
      ...numbered('validation/good', 2),
      ...numbered('test/good', 2),
      ...numbered('test/logical_anomalies', 2),
      'mask:ground_truth/logical_anomalies/000/000.png',
      'mask:ground_truth/logical_anomalies/000/001.png',
      'mask:ground_truth/logical_anomalies/001/000.png',
    )
    const second = sharp(Buffer.alloc(size * size, 0).fill(255, 200, 203), {
      raw: { width: size, height: size, channels: 1 },
    })
    await second.png().toFile(join(root, 'ground_truth/logical_anomalies/000/001.png'))
    const set = await open()
    const [first, other] = set.test.filter((s) => s.label === 'anomalous')
    expect([first!.id, first!.maskPaths!.length, other!.maskPaths!.length]).toEqual([
      'test/logical_anomalies/000.png',
      2,
      1,
    ])
    expect((await first!.loadMask!()).data.reduce((a, b) => a + b, 0)).toBe(8)
    expect((await other!.loadMask!()).data.reduce((a, b) => a + b, 0)).toBe(5)
  })

  it('KolektorSDD2: masks beside the images, which tell good from defective', async () => {
    await put(
      ...['10000', '10001', '10002', '10003'].flatMap((n) => [
        `train/${n}.png`,
        `${n === '10002' ? 'mask' : 'empty'}:train/${n}_GT.png`,
      ]),
      ...['20000', '20001'].flatMap((n) => [
        `test/${n}.png`,
        `${n === '20000' ? 'mask' : 'empty'}:test/${n}_GT.png`,
      ]),
    )
    const set = await open()
    expect(learned(set)).toEqual(['train/10000.png', 'train/10001.png', 'train/10003.png'])
    expect(judged(set)).toEqual(['test/20000.png defect', 'test/20001.png good'])
    expect(rows(set)).toContain('train: left out 1 masked 1')
  })

  it('Real-IAD: masks of the name of their image, with another ending', async () => {
    await put(
      ...numbered('OK/S0001', 5, '_C1.jpg'),
      'NG/HS/S0002/a_C1.jpg',
      'mask:NG/HS/S0002/a_C1.png',
      'NG/QS/S0003/b_C1.jpg',
      'mask:NG/QS/S0003/b_C1.png',
    )
    const set = await open()
    expect(set.train).toHaveLength(4)
    expect(judged(set).slice(0, 2)).toEqual(['NG/HS/S0002/a_C1.jpg HS', 'NG/QS/S0003/b_C1.jpg QS'])
    expect(set.test.slice(0, 2).every((s) => s.loadMask)).toBe(true)
  })

  it('DAGM: masks of the defective images only, in a folder beside them', async () => {
    await put(
      ...numbered('Train', 4, '.PNG'),
      'mask:Train/Label/002_label.PNG',
      ...numbered('Test', 3, '.PNG'),
      'mask:Test/Label/001_label.PNG',
    )
    const set = await open()
    expect(learned(set)).toEqual(['Train/000.PNG', 'Train/001.PNG', 'Train/003.PNG'])
    expect(judged(set)).toEqual(['Test/000.PNG good', 'Test/001.PNG defect', 'Test/002.PNG good'])
    expect(rows(set)).toContain('Train: left out 1 masked 1')
  })

  it('casting: defective images in train are not learned from, and wrapped folders count for nothing', async () => {
    const inner = 'casting_data/casting_data'
    await put(
      ...numbered(`${inner}/train/ok_front`, 4, '.jpeg'),
      ...numbered(`${inner}/train/def_front`, 3, '.jpeg'),
      ...numbered(`${inner}/test/ok_front`, 2, '.jpeg'),
      ...numbered(`${inner}/test/def_front`, 2, '.jpeg'),
    )
    expect(rows(await open())).toEqual([
      `${inner}/test/def_front: test def_front 2`,
      `${inner}/test/ok_front: test good 2`,
      `${inner}/train/def_front: left out 3`,
      `${inner}/train/ok_front: train 4`,
    ])
  })

  it('BTAD: ok and ko', async () => {
    await put(
      ...numbered('train/ok', 3),
      ...numbered('test/ok', 1),
      ...numbered('test/ko', 2),
      ...numbered('ground_truth/ko', 2).map((p) => `mask:${p}`),
    )
    const set = await open()
    expect(rows(set)).toEqual([
      'test/ko: test ko 2 masked 2',
      'test/ok: test good 1',
      'train/ok: train 3',
      'ground_truth/ko: masks 2',
    ])
    expect(rows(await openDataset({ dataset: 'mvtec', root }))).toEqual(rows(set))
  })

  it('MVTec 3D-AD: photographs beside depth maps', async () => {
    await put(
      ...numbered('train/good/rgb', 3),
      ...numbered('train/good/xyz', 3),
      ...numbered('test/hole/rgb', 1),
      ...numbered('test/hole/xyz', 1),
      ...numbered('test/hole/gt', 1).map((p) => `mask:${p}`),
    )
    const set = await open()
    expect(learned(set)).toEqual(numbered('train/good/rgb', 3))
    expect(judged(set)).toEqual(['test/hole/rgb/000.png hole'])
    expect(set.test[0]!.loadMask).toBeDefined()
  })

  it('AITEX and magnetic tiles: classes by the words in longer names', async () => {
    await put(
      ...numbered('NODEFECT_images/2306881-210020u', 3),
      'Defect_images/7.png',
      'mask:Mask_images/7_mask.png',
    )
    expect(judged(await open())).toEqual(['Defect_images/7.png Defect_images'])
    root = join(base, `set${count++}`)
    await put(
      ...numbered('MT_Free/Imgs', 3, '.jpg').flatMap((p) => [
        p,
        `empty:${p.replace('jpg', 'png')}`,
      ]),
      'MT_Crack/Imgs/9.jpg',
      'mask:MT_Crack/Imgs/9.png',
    )
    const tiles = await open()
    expect(learned(tiles)).toEqual(numbered('MT_Free/Imgs', 3, '.jpg'))
    expect(tiles.test.map((s) => [s.id, s.defect, s.loadMask !== undefined])).toEqual([
      ['MT_Crack/Imgs/9.jpg', 'MT_Crack', true],
    ])
  })
})

describe('what is not clear is asked', () => {
  it('classes of train whose names say nothing', async () => {
    await put(...numbered('train/front', 3), ...numbered('train/back', 2), ...numbered('test/x', 1))
    const both = /train holds train\/back \(2 images\) and train\/front \(3 images\)/
    await refused({}, both, /--good train\/back,train\/front/, /--ignore/)
    expect(learned(await open({ good: ['front'] }))).toEqual(numbered('train/front', 3))
    expect((await open({ good: ['train/front', 'train/back'] })).train).toHaveLength(5)
  })

  it('one class of train is good, and so is the same class of test', async () => {
    await put(...numbered('train/lid', 3), ...numbered('test/lid', 1), ...numbered('test/torn', 1))
    expect(judged(await open())).toEqual(['test/lid/000.png good', 'test/torn/000.png torn'])
  })

  it('folders side by side whose names say nothing', async () => {
    await put(...numbered('negative', 3), ...numbered('positive', 2))
    await refused(
      {},
      /negative \(3 images\) and positive \(2 images\)/,
      /--good negative --defects/,
    )
    const set = await open({ good: ['negative'], defects: ['positive'] })
    expect([set.train.length, set.test.length]).toEqual([3, 2])
    await refused({ good: ['nothing'] }, /no such folder/, /negative, positive/)
    await refused({ good: ['negative'], ignore: ['negative'] }, /both name negative/)
  })

  it('loose images beside folders', async () => {
    await put('1.png', '2.png', 'lab/3.png')
    await refused({}, /images, and lab \(1 image\)/, /--good \.,lab/, /--ignore lab/)
    expect(learned(await open({ good: ['.', 'lab'] }))).toEqual(['1.png', '2.png', 'lab/3.png'])
    expect(learned(await open({ ignore: ['lab'] }))).toEqual(['1.png', '2.png'])
  })

  it('a folder beside good and bad ones', async () => {
    await put(...numbered('good', 3), 'bad/1.png', 'second_shift_line/1.png', 'lab/1.png')
    await refused({}, /beside .*good.* lies lab/, /--defects/, /--ignore/)
    const set = await open({ ignore: ['lab', 'second_shift_line'] })
    expect(judged(set)).toEqual(['bad/1.png bad'])
  })

  it('images without masks where masks alone tell', async () => {
    await put('images/1.png', 'images/2.png', 'images/3.png', 'mask:masks/2.png')
    await refused({}, /2 of 3 images .* have no mask/, /--unmasked good/, /--unmasked ignore/)
    expect(judged(await open({ unmasked: 'good' }))).toEqual(['images/2.png defect'])
  })

  it('several sets of images', async () => {
    await put(...['bolt', 'nut'].flatMap((n) => [...numbered(`${n}/good`, 2), `${n}/bad/1.png`]))
    await refused({}, /several sets of images: bolt, nut/, /--category bolt/)
    const nut = await open({ category: 'nut' })
    expect([nut.category, learned(nut)]).toEqual(['nut', numbered('good', 2)])
    const trained = await openDataset({ root }, { trained: 'bolt' })
    expect(trained.category).toBe('bolt')
    expect((await open({ good: ['good'], defects: ['bad'] })).train).toHaveLength(4)
  })

  it('good and bad words in one path', async () => {
    await put(...numbered('good', 3), 'bad/ok/1.png')
    await refused({}, /say both good and bad/, /--defects bad/)
  })

  it('files that are named as defective among images to learn from', async () => {
    await put('a1.png', 'a2.png', 'defect_3.png')
    await refused({}, /the name of defect_3\.png says that it is defective/, /--good \. if all/)
    expect((await open({ good: ['.'] })).train).toHaveLength(3)
    root = join(base, `set${count++}`)
    await put('ok_1.png', 'ok_2.png', 'NG-3.png')
    const set = await open()
    expect([learned(set), judged(set)]).toEqual([['ok_1.png', 'ok_2.png'], ['NG-3.png defect']])
  })

  it('classes beside splits', async () => {
    await put(...numbered('train', 3), 'test/good/1.png', 'good/1.png')
    await refused({}, /good lies beside train/, /--good good/, /--ignore good/)
  })
})

describe('nothing is overlooked', () => {
  it('names what lies in formats that are not read', async () => {
    await put(...numbered('good', 2))
    for (const name of ['a.dng', 'b.dng', 'c.psd', 'd.HEIC', 'notes.txt'])
      await writeFile(join(root, 'good', name), 'x')
    expect((await open()).reading!.unread).toEqual({ '.dng': 2, '.psd': 1, '.heic': 1 })
    root = join(base, `set${count++}`)
    await mkdir(root)
    await writeFile(join(root, 'a.jxl'), 'x')
    await expect(open()).rejects.toMatchObject({
      code: 'EMPTY',
      message: /only \.jxl/,
      hint: /BMP.*JPEG 2000/,
    })
  })

  it('reads JPEG under its rarer names', async () => {
    await put('good/a.jfif', 'good/b.jpe', 'good/c.JPG')
    expect(learned(await open())).toEqual(['good/a.jfif', 'good/b.jpe', 'good/c.JPG'])
    expect(await (await open()).train[0]!.load()).toMatchObject({ width: size })
  })

  it('reads BMP and Netpbm as images and as masks, counts none of them as unread', async () => {
    const header = (kind: number) => Buffer.from(`P${kind} ${size} ${size} 255\n`, 'latin1')
    const grey = Buffer.concat([header(5), await mask(5).raw().toBuffer()])
    const colour = (seed: number) => photo(seed).raw().toBuffer()
    await put('mask:masks/bad/2_mask.png')
    for (const folder of ['good', 'bad']) await mkdir(join(root, folder))
    for (const i of [0, 1, 2]) {
      const pixels = await colour(i)
      await writeFile(join(root, `good/${i}.ppm`), Buffer.concat([header(6), pixels]))
      await writeFile(join(root, `good/${i}.bmp`), bmpOf(pixels))
    }
    for (const i of [3, 4, 5]) await writeFile(join(root, `bad/${i}.BMP`), bmpOf(await colour(i)))
    await writeFile(join(root, 'bad/2.pnm'), Buffer.concat([header(6), await colour(2)]))
    await writeFile(join(root, 'masks/bad/3.pgm'), grey)
    await writeFile(join(root, 'masks/bad/4_mask.bmp'), bmpOf(await threefold(mask(5))))
    // beside its image, told by what it shows, and named with two endings
    await writeFile(join(root, 'masks/bad/5.bmp.pgm'), grey)
    const set = await open()
    expect(set.reading!.unread).toEqual({})
    expect(learned(set).concat(judged(set).filter((id) => / good$/.test(id)))).toHaveLength(6)
    const bad = set.test.filter((s) => s.label === 'anomalous')
    expect(bad.map((s) => s.id).sort()).toEqual(['bad/2.pnm', ...[3, 4, 5].map((i) => `bad/${i}.BMP`)]) // prettier-ignore
    for (const sample of bad) {
      const truth = await sample.loadMask!()
      expect([...truth.data.keys()].filter((i) => truth.data[i] !== 0)).toEqual([40, 41, 42, 43, 44]) // prettier-ignore
      expect((await sample.load()).data).toEqual(new Uint8Array(await colour(Number(/\d/.exec(sample.id)![0])))) // prettier-ignore
    }
  })

  it('takes what predict and inspect wrote neither for images nor for masks', async () => {
    await put(...numbered('good', 3), 'bad/1.png', 'bad/2.png', 'mask:masks/bad/1.png')
    const image = { width: size, height: size, data: new Uint8Array(size * size * 3) }
    const grey = { width: size, height: size, data: new Uint8Array(size * size) }
    await writeOverlay(join(root, 'good/overlay.png'), image)
    await writePredictedMask(join(root, 'masks/bad/2.png'), grey)
    await writeMap(join(root, 'bad/3.tiff'), { ...grey, data: new Float32Array(size * size) })
    await writeSheet(join(root, 'good/inspect.html'), '<!doctype html>\n<html></html>')
    const set = await open()
    expect(learned(set)).toHaveLength(3)
    expect(set.test.map((s) => [s.id, s.loadMask !== undefined])).toEqual([
      ['bad/1.png', true],
      ['bad/2.png', false],
    ])
    expect(set.reading!.warnings.join('\n')).toMatch(/bad\/3\.tiff \(and 2 more\) is left out: predict wrote it/) // prettier-ignore
  })

  it('leaves out validation images without a class, and what was put aside', async () => {
    await put(...numbered('good', 3), 'bad/1.png', ...numbered('validation', 2), 'unsorted/9.png')
    const left = (await open()).reading!.folders.filter((f) => f.role === 'left out')
    expect(left.map((f) => [f.folder, f.images])).toEqual([
      ['unsorted', 1],
      ['validation', 2],
    ])
    expect(left.every((f) => f.why)).toBe(true)
  })

  it('says which folders are empty, or hold nothing that is read', async () => {
    await put(...numbered('good', 3))
    await mkdir(join(root, 'bad'))
    await writeFile(join(root, 'bad/1.jxl'), 'x')
    expect((await open()).reading!.warnings.join()).toMatch(/bad holds no images that are read/)
  })

  it('says tables that it does not read where nothing tells defects, and masks that contradict', async () => {
    await put('1.png', '2.png')
    await writeFile(join(root, 'labels.csv'), '1.png,good')
    expect((await open()).reading!.warnings.join()).toMatch(/labels\.csv is not read/)
    root = join(base, `set${count++}`)
    await put(
      ...numbered('good', 6),
      'bad/1.png',
      'mask:masks/good/002.png',
      'empty:masks/good/001.png',
    )
    expect((await open()).reading!.warnings.join()).toMatch(/mask of good\/002\.png marks a defect/)
  })

  it('takes validation for a test where it is the only one', async () => {
    await put(...numbered('train/good', 3), 'valid/good/1.png', 'valid/dent/2.png')
    expect(judged(await open()).sort()).toEqual(['valid/dent/2.png dent', 'valid/good/1.png good'])
  })
})

describe('pictures of few colours', () => {
  it('are photographs where all others are so too, even where one is damaged', async () => {
    const simple = ['train/good/1.png', 'train/good/2.png', 'test/good/1.png', 'test/dent/1.png']
    await put(...simple.map((path) => `mask:${path}`), 'test/good/0.png')
    await writeFile(join(root, 'test/good/0.png'), 'damaged')
    const set = await open()
    expect(judged(set).sort()).toEqual(['test/dent/1.png dent', 'test/good/0.png good', 'test/good/1.png good']) // prettier-ignore
  })
})

describe('masks belong to the image in the same place', () => {
  it('not to one of the same name elsewhere', async () => {
    await put(...numbered('good', 2), 'bad/dent/1.png', 'mask:masks/crack/1.png')
    await expect(open()).rejects.toMatchObject({ code: 'MASK', message: /no image for the mask/ })
    expect(judged(await open({ ignore: ['masks'] }))).toEqual(['bad/dent/1.png dent'])
  })

  it('not to a defective one where a good one has the name too', async () => {
    await put('good/1.png', 'good/2.png', 'bad/dent/1.png', 'mask:masks/1.png')
    await expect(open()).rejects.toMatchObject({ code: 'MASK', hint: /bad\/dent\/1\.png/ })
  })

  it('and photographs that are named like masks stay photographs', async () => {
    await put('bottle.png', 'bottle_label.png', 'can.png', 'can_label.png')
    expect((await open()).train).toHaveLength(4)
    root = join(base, `set${count++}`)
    await put(...numbered('labels/good', 2), 'labels/torn/1.png')
    expect(judged(await open())).toEqual(['labels/torn/1.png torn'])
  })

  it('in folders that are named after the images beside them', async () => {
    await put(
      ...numbered('train/good', 2),
      ...numbered('test/dent', 2),
      ...numbered('test/colour', 2),
      ...numbered('test/dent_masks', 2).map((p) => `mask:${p}`),
      ...numbered('test/colour-gt', 2, '.png.png').map((p) => `mask:${p}`),
    )
    const set = await open()
    expect(set.test.map((s) => [s.defect, s.maskPaths?.length])).toEqual([
      ...Array.from({ length: 2 }, () => ['colour', 1]),
      ...Array.from({ length: 2 }, () => ['dent', 1]),
    ])
  })

  it('not to images to learn from, where images to judge by have the name too', async () => {
    await put(...numbered('train', 3), ...numbered('test', 2), 'mask:ground_truth/001.png')
    const set = await open()
    expect(learned(set)).toHaveLength(3)
    expect(judged(set)).toEqual(['test/000.png good', 'test/001.png defect'])
  })

  it('--masks names their folder', async () => {
    await put(...numbered('good', 2), 'bad/1.png', 'mask:outlines/bad/1.png')
    await refused({}, /outlines holds pictures of few colours/, /--masks outlines/)
    const set = await open({ masks: ['outlines'] })
    expect(set.test[0]!.loadMask).toBeDefined()
    expect(rows(set)).toContain('outlines/bad: masks 1')
  })
})

it.each([
  ['good', 'OK ok_front Normal non_defective NoDefect defect-free MT_Free n_ok? 良品 gut'],
  ['bad', 'NG nok KO not_good def_front anomalies logical_anomalies abnormal 不良 nicht?'],
  [undefined, 'dent lid positive negative ok_def train_station goodyear'],
])('%s names', (kind, names) => {
  for (const name of names.split(' ').filter((n) => !n.endsWith('?')))
    expect([name, meaningOf(name).kind]).toEqual([name, kind])
})

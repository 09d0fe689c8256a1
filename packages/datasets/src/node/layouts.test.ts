import { temporaryFolder } from '@cflow/base/testing'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import type { Dataset, Sample } from '../dataset.js'
import type { OpenContext } from '../driver.js'
import { datasetCategories, openDataset } from './drivers.js'
import { writeMaskPng, writePng } from './images.js'
import { writeDataset } from './write.js'

const base = await temporaryFolder('layouts')
let root = ''
let count = 0
beforeEach(async () => {
  root = join(base, `set${count++}`)
  await mkdir(root)
})

/** Put small images (masks where the path says so) and other files below the root. */
async function put(...paths: readonly string[]): Promise<void> {
  for (const path of paths) {
    const to = join(root, path)
    await mkdir(dirname(to), { recursive: true })
    if (!path.endsWith('.png')) await writeFile(to, 'x')
    else if (/mask|ground/.test(path))
      await writeMaskPng(to, { width: 4, height: 3, data: new Uint8Array(12).fill(1) })
    else await writePng(to, { width: 4, height: 3, data: new Uint8Array(36).fill(9) })
  }
}

const numbered = (folder: string, n: number): string[] =>
  Array.from({ length: n }, (_, i) => `${folder}/${String(i).padStart(3, '0')}.png`)

const ids = (samples: readonly Sample[]): string[] => samples.map((s) => s.id)
const summary = (d: Dataset): string[] =>
  d.test.map((s) => `${s.id} ${s.label} ${s.defect}${s.loadMask ? ' mask' : ''}`)

const failure = (code: string, text: RegExp, hint = /./): unknown =>
  expect.objectContaining({
    code,
    message: expect.stringMatching(text),
    hint: expect.stringMatching(hint),
    subject: expect.stringContaining(base),
  })

const mvtecDataset = (root: string, category?: string) =>
  openDataset({ dataset: 'mvtec', root, category })
const folderDataset = (root: string, context: OpenContext & { readonly category?: string } = {}) =>
  openDataset({ root, category: context.category }, context)

const bolt = [
  ...numbered('bolt/train/good', 3),
  'bolt/test/good/000.png',
  'bolt/test/bent/001.png',
  'bolt/test/bent/000.png',
  'bolt/test/cut/000.png',
  'bolt/ground_truth/bent/000_mask.png',
  'bolt/ground_truth/bent/001_mask.png',
  'bolt/readme.txt',
]

describe('mvtecDataset', () => {
  it('reads a category, sorted by folder and name', async () => {
    await put(...bolt)
    const set = await mvtecDataset(root, 'bolt')
    expect([set.name, set.category]).toEqual(['mvtec', 'bolt'])
    expect(ids(set.train)).toEqual(numbered('train/good', 3))
    expect(summary(set)).toEqual([
      'test/bent/000.png anomalous bent mask',
      'test/bent/001.png anomalous bent mask',
      'test/cut/000.png anomalous cut',
      'test/good/000.png good good',
    ])
    expect(await set.test[0]!.load()).toMatchObject({ width: 4, height: 3 })
    expect([...(await set.test[0]!.loadMask!()).data]).toEqual(new Array(12).fill(1))
    expect(set.test[0]!.path).toBe(join(root, 'bolt/test/bent/000.png'))
  })

  it('takes the category folder itself', async () => {
    await put(...bolt)
    expect(await mvtecDataset(join(root, 'bolt'))).toMatchObject({ category: 'bolt' })
    expect(await datasetCategories({ dataset: 'mvtec', root })).toEqual(['bolt'])
  })

  it('says what is missing', async () => {
    await expect(mvtecDataset(join(root, 'none'), 'bolt')).rejects.toEqual(
      failure('NOT_FOUND', /there is no .*none/),
    )
    await put(...bolt, 'nut/train/good/000.png')
    await expect(mvtecDataset(root, 'screw')).rejects.toEqual(
      failure('NOT_FOUND', /no category 'screw'/, /bolt, nut/),
    )
    await expect(mvtecDataset(root)).rejects.toMatchObject({
      ...{ code: 'USAGE', subject: '--category' },
      hint: expect.stringMatching(/bolt, nut/) as string,
    })
    await expect(mvtecDataset(join(root, 'bolt/train'))).rejects.toEqual(
      failure('NOT_FOUND', /no category of MVTec/, /A category is a folder/),
    )
    await expect(mvtecDataset(join(root, 'bolt/readme.txt'))).rejects.toEqual(
      failure('USAGE', /is a file/),
    )
    await mkdir(join(root, 'empty/train/good'), { recursive: true })
    await expect(mvtecDataset(root, 'empty')).rejects.toEqual(failure('EMPTY', /no images/))
  })

  it('reports a mask without its image, and one of another size', async () => {
    await put(...bolt, 'bolt/ground_truth/cut/007_mask.png')
    await expect(mvtecDataset(root, 'bolt')).rejects.toEqual(
      failure('MASK', /no image for the mask .*007_mask/),
    )
    await rm(join(root, 'bolt/ground_truth/cut'), { recursive: true })
    const small = { width: 2, height: 2, data: new Uint8Array(4) }
    await writeMaskPng(join(root, 'bolt/ground_truth/bent/000_mask.png'), small)
    await expect(mvtecDataset(root, 'bolt')).rejects.toEqual(
      failure('MASK', /2×2 pixels and .* 4×3/),
    )
  })
})

describe('folderDataset', () => {
  it('takes good images alone, flat and nested', async () => {
    await put('b.png', 'a.png', 'cam2/deep/c.png', '.hidden.png', 'notes.txt')
    const set = await folderDataset(root)
    expect(ids(set.train)).toEqual(['a.png', 'b.png', 'cam2/deep/c.png'])
    expect(set.test).toEqual([])
    await put('x/good/a.png')
    expect(ids((await folderDataset(join(root, 'x'), { category: 'y' })).train)).toEqual([
      'good/a.png',
    ])
  })

  it('keeps some good images for the test where there are bad ones', async () => {
    await put(...numbered('OK', 10), 'NG/scratch/1.png', 'NG/2.png')
    const set = await folderDataset(root)
    expect([set.train.length, set.test.length]).toEqual([8, 4])
    expect(summary(set).slice(0, 2)).toEqual([
      'NG/2.png anomalous NG',
      'NG/scratch/1.png anomalous scratch',
    ])
    expect(ids(await folderDataset(root).then((s) => s.train))).toEqual(ids(set.train))
    expect(ids([...set.train, ...set.test.slice(2)]).sort()).toEqual(numbered('OK', 10))
    const splits = new Set<string>()
    for (const seed of [1, 2, 3]) splits.add(ids((await folderDataset(root, { seed })).test).join())
    expect(splits.size).toBeGreaterThan(1)
    expect((await folderDataset(root, { testFraction: 0 })).train).toHaveLength(10)
  })

  it('keeps all of four good images to learn from', async () => {
    await put(...numbered('good', 4), 'bad/1.png')
    expect((await folderDataset(root)).train).toHaveLength(4)
  })

  it('names defects after folders beside the good one', async () => {
    await put('good/1.png', 'dent/1.png', 'crack/1.png')
    expect(summary(await folderDataset(root))).toEqual([
      'crack/1.png anomalous crack',
      'dent/1.png anomalous dent',
    ])
  })

  it('finds masks beside, below and by name', async () => {
    await put('good/1.png', 'bad/dent/1.png', 'bad/dent/2.png', 'bad/crack/1.png', 'bad/7.png')
    await put('masks/dent/1.png', 'masks/bad/crack/1_mask.png', 'masks/7.png', 'masks/2_mask.png')
    expect(summary(await folderDataset(root)).every((s) => s.endsWith('mask'))).toBe(true)
  })

  it('does not guess between namesakes, and wants an image for each mask', async () => {
    await put('good/1.png', 'bad/dent/1.png', 'bad/crack/1.png', 'masks/1.png')
    // The good image of that name owns the flat mask only by its exact path.
    await rm(join(root, 'good/1.png'))
    await put('good/0.png')
    await expect(folderDataset(root)).rejects.toEqual(failure('MASK', /fits several images/))
    await rm(join(root, 'masks/1.png'))
    await put('masks/5.png')
    await expect(folderDataset(root)).rejects.toEqual(failure('MASK', /no image for the mask/))
    await rm(join(root, 'masks/5.png'))
    await put('masks/dent/1.png', 'masks/dent/1_mask.png')
    await expect(folderDataset(root)).rejects.toEqual(failure('MASK', /has two masks/))
  })

  it('reads an explicit split as MVTec AD has it', async () => {
    await put('train/1.png', 'test/ok/2.png', 'test/bad/3.png', 'test/4.png', 'masks/bad/3.png')
    const set = await folderDataset(root)
    expect(ids(set.train)).toEqual(['train/1.png'])
    expect(summary(set)).toEqual([
      'test/4.png unknown unknown',
      'test/bad/3.png anomalous bad mask',
      'test/ok/2.png good good',
    ])
  })

  it('says what is wrong', async () => {
    await expect(folderDataset(root)).rejects.toEqual(failure('EMPTY', /no images/))
    await expect(folderDataset(join(root, 'no'))).rejects.toEqual(failure('NOT_FOUND', /there is/))
    await put('bad/1.png')
    await expect(folderDataset(root)).rejects.toEqual(failure('EMPTY', /no folder of good images/))
    await put('good/1.png', 'loose.png')
    await expect(folderDataset(root)).rejects.toEqual(failure('USAGE', /lies beside good/))
    await put('m/1.png', 'm/masks/1.png')
    await expect(folderDataset(join(root, 'm'))).rejects.toEqual(
      failure('EMPTY', /every image has a mask that marks a defect/),
    )
    await expect(folderDataset(root, { testFraction: 2 })).rejects.toMatchObject({
      code: 'USAGE',
      subject: 'testFraction',
    })
  })
})

describe('writeDataset', () => {
  it('writes what mvtecDataset reads, all or nothing', async () => {
    await put(...bolt)
    const set = await mvtecDataset(root, 'bolt')
    await writeDataset(set, join(root, 'copy'))
    const copy = await mvtecDataset(join(root, 'copy'), 'bolt')
    expect(summary(copy)).toEqual(summary(set))
    expect(await copy.test[1]!.load()).toEqual(await set.test[1]!.load())
    expect(await copy.test[1]!.loadMask!()).toEqual(await set.test[1]!.loadMask!())
    await expect(writeDataset(set, join(root, 'copy'))).rejects.toMatchObject({ code: 'USAGE' })
    await rm(join(root, 'bolt/test/good/000.png'))
    await expect(writeDataset(set, join(root, 'half'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    })
    expect(await readdir(join(root, 'half'))).toEqual([])
  })

  it('refuses names that leave the folder, and unsorted images', async () => {
    const nothing = { name: 'x', train: [], test: [] }
    for (const category of ['../up', '', '.', 'a/b', 'a\\b'])
      await expect(writeDataset({ ...nothing, category }, root)).rejects.toMatchObject({
        code: 'USAGE',
      })
    await put('train/1.png', 'test/4.png')
    const unsorted = await folderDataset(root)
    await expect(writeDataset(unsorted, join(root, 'out'))).rejects.toMatchObject({ code: 'USAGE' })
  })
})

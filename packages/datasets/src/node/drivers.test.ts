import { temporaryFolder } from '@cflow/base/testing'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { npyBytes } from '../../test/npy.js'
import type { DatasetDriver } from '../driver.js'
import { syntheticDataset } from '../synthetic/synthetic.js'
import { datasetCategories, drivers, datasetSettings, openDataset } from './drivers.js'
import type { DatasetSettings } from './drivers.js'
import { writePng } from './images.js'
import { writeDataset } from './write.js'

interface Fixture {
  readonly settings: DatasetSettings
  /** Chooses a category or scene that is not there; absent where any name will do. */
  readonly unknown?: DatasetSettings
}

const photos = syntheticDataset({ kind: 'part', size: 32, train: 6, test: 9 })

/** Images of each data set, put below a folder. */
const fixtures: Readonly<Record<string, (root: string) => Promise<Fixture>>> = {
  async mvtec(root) {
    await writeDataset(photos, root)
    return { settings: { root, category: 'part' }, unknown: { category: 'nut' } }
  },
  async folder(root) {
    await writeDataset(photos, root)
    return { settings: { root: join(root, 'part') } }
  },
  async stc(root) {
    const [width, height, frames] = [8, 6, 3]
    const image = { width, height, data: new Uint8Array(width * height * 3).fill(7) }
    for (const clip of ['training/frames/01_001', 'testing/frames/01_0001'])
      for (let i = 0; i < frames; i++) await writePng(join(root, clip, `00${i}.png`), image)
    for (const [name, shape] of [
      ['test_frame_mask', [frames]],
      ['test_pixel_mask', [frames, height, width]],
    ] as const) {
      const ones = new Uint8Array(shape.reduce((n, d) => n * d, 1)).fill(1)
      if (shape.length === 1) ones[0] = 0
      await mkdir(join(root, 'testing', name))
      await writeFile(join(root, 'testing', name, '01_0001.npy'), npyBytes(shape, ones))
    }
    return { settings: { root, scene: '01' }, unknown: { scene: '07' } }
  },
  async synthetic() {
    const settings = { category: 'mesh', trainImages: 3, testImages: 7 }
    return { settings, unknown: { category: 'cat' } }
  },
}

const withHint = (...codes: string[]): unknown =>
  expect.objectContaining({
    name: 'CflowError',
    code: expect.toBeOneOf(codes),
    hint: expect.stringMatching(/./),
  })

describe.each(drivers.map((d): [string, DatasetDriver] => [d.name, d]))('%s', (name, driver) => {
  const context = { inputSize: 32 }
  let root: string
  let settings: DatasetSettings
  let unknown: DatasetSettings | undefined
  beforeAll(async () => {
    root = await temporaryFolder(name)
    const fixture = await fixtures[name]!(root)
    settings = { dataset: name, ...fixture.settings }
    unknown = fixture.unknown
  })

  it('opens a dataset of its name, with samples that say what they are', async () => {
    const { name: opened, category, train, test } = await openDataset(settings, context)
    expect([opened, category]).toEqual([name, expect.stringMatching(/./)])
    expect(train.length).toBeGreaterThan(0)
    expect(test.length).toBeGreaterThan(0)
    const samples = [...train, ...test]
    expect(new Set(samples.map((s) => s.id)).size).toBe(samples.length)
    expect(train.every((s) => s.split === 'train' && s.label === 'good')).toBe(true)
    expect(new Set(test.map((s) => s.label))).toEqual(new Set(['good', 'anomalous']))
    for (const { id, label, defect, path, split } of samples) {
      expect(id).not.toContain('\\')
      expect(split).toBe(train.some((s) => s.id === id) ? 'train' : 'test')
      expect(label).toBe(defect === 'good' ? 'good' : 'anomalous')
      if (path !== undefined) expect(existsSync(path)).toBe(true)
    }
  })

  it('loads fresh images, and masks of their size for what is anomalous', async () => {
    const { train, test } = await openDataset(settings, context)
    for (const sample of [train[0]!, ...test]) {
      const image = await sample.load()
      expect(image.data.length).toBe(image.width * image.height * 3)
      const again = await sample.load()
      expect(Buffer.compare(again.data, image.data)).toBe(0)
      expect(again.data === image.data).toBe(false)
      expect(sample.loadMask !== undefined).toBe(sample.label === 'anomalous')
      const mask = await sample.loadMask?.()
      if (mask === undefined) continue
      expect([mask.width, mask.height]).toEqual([image.width, image.height])
      expect(new Set(mask.data).has(1)).toBe(true)
      expect(mask.data.every((v) => v <= 1)).toBe(true)
    }
  })

  it('gives the same samples in the same order every time', async () => {
    const ids = async () => {
      const { train, test } = await openDataset(settings, context)
      return [...train, ...test].map((s) => s.id)
    }
    expect(await ids()).toEqual(await ids())
  })

  it('lists what there is to choose, and names it where something else is chosen', async () => {
    const categories = await datasetCategories(settings)
    const { category } = await openDataset(settings, context)
    expect(categories.some((c) => category.endsWith(c))).toBe(true)
    expect(categories).toEqual([...new Set(categories)])
    if (unknown === undefined) return
    const chosen = openDataset({ ...settings, ...unknown }, context)
    await expect(chosen).rejects.toEqual(withHint('NOT_FOUND'))
    await expect(chosen).rejects.toMatchObject({
      hint: expect.stringContaining(categories[0]!) as string,
    })
  })

  it('takes the category of the detector that is evaluated', async () => {
    if (unknown === undefined) return
    const { category: trained, test } = await openDataset(settings, context)
    const left = { ...settings, category: undefined, scene: undefined }
    const found = await openDataset(left, { trained })
    expect(found.category).toBe(trained)
    expect(found.test.map((s) => s.id)).toEqual(test.map((s) => s.id))
  })

  it('wants a folder that is there, or none', async () => {
    const { root: given, ...rest } = settings
    if (given === undefined) {
      const drawn = openDataset({ ...settings, root }, context)
      await expect(drawn).rejects.toMatchObject({ code: 'USAGE', subject: '--root' })
      return
    }
    await expect(openDataset(rest, context)).rejects.toEqual(withHint('USAGE'))
    const missing = openDataset({ ...settings, root: join(root, 'not-there') }, context)
    await expect(missing).rejects.toEqual(withHint('NOT_FOUND'))
    await mkdir(join(root, 'empty'))
    const empty = openDataset({ ...settings, root: join(root, 'empty') }, context)
    await expect(empty).rejects.toEqual(withHint('EMPTY', 'NOT_FOUND'))
  })

  it('has settings that say what they are for, and refuses those of other data sets', async () => {
    for (const [key, field] of Object.entries(driver.settings.shape)) {
      expect(field.meta()).toMatchObject({
        help: expect.stringMatching(/./) as string,
        placeholder: expect.stringMatching(/^[A-Z]+$/) as string,
        group: 'images',
      })
      expect(datasetSettings.shape).toHaveProperty(key, field)
    }
    const values = {
      ...{ scene: '01', frameStep: 2, ffmpeg: 'f', trainImages: 1, testImages: 1 },
      ...{ good: ['a'], defects: ['a'], masks: ['a'], ignore: ['a'], unmasked: 'good' as const },
      ...{ maskPolarity: 'light' as const, maskOrientation: 'shown' as const },
    }
    const all = new Set(drivers.flatMap((d) => Object.keys(d.settings.shape)))
    expect(Object.keys(values).sort()).toEqual([...all].sort())
    for (const [key, value] of Object.entries(values)) {
      if (key in driver.settings.shape) continue
      const flag = `--${key.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`
      await expect(openDataset({ ...settings, [key]: value })).rejects.toMatchObject({
        ...{ code: 'USAGE', subject: flag },
        message: expect.stringMatching(`^${flag} is for --dataset [\\w ]+ only$`) as string,
      })
    }
  })
})

it('fills in nothing, and says what is missing or does not fit', async () => {
  expect(datasetSettings.parse({})).toEqual({})
  expect(datasetSettings.parse({ scene: 1 })).toEqual({ scene: '01' })
  await expect(openDataset({})).rejects.toMatchObject({
    ...{ code: 'USAGE', subject: '--dataset' },
    hint: expect.stringContaining(drivers.map((d) => d.name).join('|')) as string,
  })
  const wrong = openDataset({ dataset: 'stc', root: '.', frameStep: 0 })
  await expect(wrong).rejects.toMatchObject({ code: 'USAGE', subject: '--frame-step' })
  const other = openDataset({ dataset: 'imagenet', root: '.' } as never)
  await expect(other).rejects.toMatchObject({ code: 'USAGE', subject: '--dataset' })
})

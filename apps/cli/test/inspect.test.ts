import { temporaryFolder } from '@cflow/base/testing'
import { syntheticDataset } from '@cflow/datasets'
import { writeMaskPng, writePng } from '@cflow/datasets/node'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { cflow, json, tiny } from './cflow.js'

const root = await temporaryFolder('inspect')
const photos = join(root, 'photos')

interface Inspected {
  readonly train: number
  readonly folders: readonly { readonly folder: string; readonly role: string }[]
  readonly unread: Readonly<Record<string, number>>
  readonly warnings: readonly string[]
}

beforeAll(async () => {
  const { train, test } = syntheticDataset({ kind: 'part', size: 64, train: 12, test: 9 })
  const good = [...train, ...test.filter((s) => s.label === 'good').slice(0, 2)]
  for (const [i, sample] of good.entries()) {
    const folder = i < 8 ? 'train/good' : i < 12 ? 'validation/good' : 'test/good'
    await writePng(join(photos, folder, `${i}.png`), await sample.load())
  }
  for (const [i, sample] of test
    .filter((s) => s.label === 'anomalous')
    .slice(0, 3)
    .entries()) {
    await writePng(join(photos, 'test/dent', `${i}.png`), await sample.load())
    // the second mask is one pixel that no nearest pixel of 32×32 hits, the third is empty
    const own = await sample.loadMask!()
    const data = i === 0 ? own.data : new Uint8Array(64 * 64)
    if (i === 1) data[4 * 64 + 4] = 1
    await writeMaskPng(join(photos, 'ground_truth/dent', `${i}_mask.png`), { ...own, data })
  }
  await writePng(join(photos, 'train/good/copy.png'), await good[0]!.load())
  await writeFile(join(photos, 'train/good/other.dng'), 'x')
})

describe('inspect', { timeout: 60_000 }, () => {
  it('prints how the folders are read and what may be wrong, and writes a contact sheet', async () => {
    const { code, out, err } = await cflow(['inspect', photos, '--out', join(root, 'sheet.html')])
    expect([code, err.replace(/inspect \d+\/\d+\n/g, '')]).toEqual([0, ''])
    for (const text of [
      /train\/good +9 images to learn from/,
      /validation\/good +4 images left out \(.*--good validation\/good/,
      /test\/dent +3 images to judge by: dent, 3 with a mask/,
      /not read: 1 \.dng/,
      /1 image is the same as another, such as train\/good\/0\.png and train\/good\/copy\.png/,
      /the mask of test\/dent\/2\.png is empty/,
    ])
      expect(out).toMatch(text)
    const html = await readFile(join(root, 'sheet.html'), 'utf8')
    expect(html.match(/data:image\/webp/g)).toHaveLength(14)
    expect(html).toContain('To judge by: dent')
  })

  it('prints the same as JSON, and writes into a folder', async () => {
    const outcome = await cflow(['inspect', photos, '--json', '--out', join(root, 'sheets')])
    const { train, unread, folders, warnings } = json<Inspected>(outcome)
    expect([train, unread]).toEqual([9, { '.dng': 1 }])
    expect(folders.map((f) => `${f.folder} ${f.role}`)).toContain('validation/good left out')
    expect(warnings).toHaveLength(2)
    expect(await readFile(join(root, 'sheets/inspect.html'), 'utf8')).toContain('<!doctype html>')
  })

  it('writes no file over unasked, and knows its own pages again', async () => {
    const sheet = join(root, 'own', 'sheet.html')
    const inspect = (...args: string[]) => cflow(['inspect', photos, '--json', '--out', ...args])
    expect((await inspect(sheet)).code).toBe(0)
    const html = await readFile(sheet, 'utf8')
    await writeFile(sheet, 'precious')
    const again = await inspect(sheet)
    expect([again.code, json(again)]).toMatchObject([2, { error: { code: 'EXISTS', subject: sheet } }]) // prettier-ignore
    expect(await readFile(sheet, 'utf8')).toBe('precious')
    expect((await inspect(join(root, 'own'))).code).toBe(0)
    expect((await inspect(sheet, '--overwrite')).code).toBe(0)
    expect(await readFile(sheet, 'utf8')).toBe(html)
    expect((await inspect(join(photos, 'train/good/0.png', 'sheet.html'))).code).toBe(1)
    // a page is no photograph, and that is not because of its name
    const { error } = json<{ error: { message: string; hint: string } }>(
      await cflow(['predict', 'model.onnx', sheet, '--json']),
    )
    expect(error.message).toMatch(/is a page that inspect wrote/)
    const folder = await cflow(['predict', 'model.onnx', join(root, 'own'), '--json'])
    expect(json(folder)).toMatchObject({
      error: { code: 'EMPTY', hint: 'There is only what predict or inspect wrote.' },
    })
  })

  it('takes the flags that say what folders are, and refuses what is not clear', async () => {
    const more = await cflow(['inspect', photos, '--json', '--good', 'validation'])
    expect(json<Inspected>(more).train).toBe(13)
    const wrong = await cflow(['inspect', photos, '--good', 'nowhere'])
    expect([wrong.code, wrong.err]).toEqual([
      2,
      expect.stringMatching(/no such folder.*\n.*--good/),
    ])
    const unclear = await cflow(['inspect', join(photos, '..')])
    expect(unclear.code).toBe(0)
  })
})

describe('a training and an evaluation', { timeout: 120_000 }, () => {
  it('say how the folders were read and what is wrong with masks; no region is lost', async () => {
    const out = join(root, 'run')
    const settings = tiny.filter((flag) => flag !== '--quiet')
    const args = ['--root', photos, ...settings, '--input-size', '32', '--out', out]
    const trained = await cflow(['train', ...args])
    expect(trained.code).toBe(0)
    expect(trained.err).toMatch(/validation\/good +4 images left out/)
    expect(trained.err).toMatch(/note: the mask of test\/dent\/2\.png is empty/)
    expect(trained.err).toMatch(/note: 1 of \d+ regions .* would vanish at 32×32 pixels/)
    const metrics = JSON.parse(await readFile(join(out, 'metrics.json'), 'utf8')) as {
      readonly dataset: Inspected
      readonly resolution: unknown
    }
    expect(metrics.resolution).toMatchObject({ at: 'mask', vanishing: 1 })
    expect(metrics.dataset.unread).toEqual({ '.dng': 1 })
    expect(metrics.dataset.warnings.join()).toMatch(/is empty/)
    const report = await readFile(join(out, 'report.html'), 'utf8')
    for (const text of ['left out', 'is empty', '1 file .dng', 'the size of each mask'])
      expect(report).toContain(text)

    const model = join(out, 'model.onnx')
    const lost = await cflow(['evaluate', model, '--root', photos, '--evaluate-at', '32'])
    expect(lost.err).toMatch(/1 of \d+ regions .* vanish at 32×32 .*--evaluate-at mask keeps them/)
    const paper = ['evaluate', model, '--root', photos, '--protocol', 'paper']
    const refused = await cflow([...paper, '--evaluate-at', 'mask'])
    expect([refused.code, refused.err]).toEqual([2, expect.stringMatching(/for --protocol strict/)])
    const word = await cflow(['evaluate', model, '--root', photos, '--evaluate-at', 'all'])
    expect(word.err).toMatch(/--evaluate-at is mask or a number of pixels/)
  })

  it('ranks the images to learn from by how badly they fit, in text, JSON and on the sheet', async () => {
    const sheet = join(root, 'suspicious.html')
    const args = ['inspect', photos, '--input-size', '64', '--out', sheet]
    const { code, out } = await cflow([...args, '--suspicious', '3', '--quiet'])
    expect(code).toBe(0)
    expect(out.match(/deviations from the others, most at x \d+, y \d+/g)).toHaveLength(3)
    const html = await readFile(sheet, 'utf8')
    expect(html).toContain('those that fit the others worst')
    expect(html).toContain('what is unusual outlined')
    const { suspicious } = json<{ suspicious: readonly { id: string; deviations: number }[] }>(
      await cflow([...args, '--suspicious', '--json', '--overwrite']),
    )
    expect(suspicious).toHaveLength(9)
    const ordered = suspicious.map((s) => s.deviations)
    expect(ordered).toEqual([...ordered].sort((a, b) => b - a))
    expect((await cflow(['inspect', '--suspicious', photos])).code).toBe(2)
  })
})

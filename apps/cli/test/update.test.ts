import { temporaryFolder } from '@cflow/base/testing'
import { syntheticDataset } from '@cflow/datasets'
import { writePng } from '@cflow/datasets/node'
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { cflow, json, tinySet } from './cflow.js'
import { writeMvtec } from './photos.js'

const root = await temporaryFolder('update')
const run = join(root, 'run')
const model = join(run, 'model.onnx')
const alarms = join(root, 'alarms')

interface Updated {
  readonly file: string
  readonly threshold: { readonly before: number; readonly after: number }
  readonly images: readonly {
    readonly id: string
    readonly before: number
    readonly after: number
  }[]
  readonly history: readonly { readonly images: number; readonly date?: string }[]
}

beforeAll(async () => {
  await writeMvtec(root, 12, 6)
  const { code, err } = await cflow(['train', ...tinySet(root), '--folds', '0', '--out', run])
  expect([code, err]).toEqual([0, ''])
  const { train } = syntheticDataset({ kind: 'part', size: 64, train: 15, test: 0 })
  for (const [i, sample] of train.slice(12).entries()) {
    const image = await sample.load()
    const data = image.data.map((v) => Math.min(255, 1.4 * v))
    await writePng(join(alarms, `${i}.png`), { ...image, data })
  }
}, 120_000)

describe('update', { timeout: 120_000 }, () => {
  it('adds images, says the scores of each, and leaves the detector it was given as it is', async () => {
    const given = await readFile(model)
    const { code, out } = await cflow(['update', model, '--good', alarms, '--quiet'])
    expect(code).toBe(0)
    expect(out).toMatch(/before +after +if not added itself +image/)
    expect(out).toMatch(/alarms +\d of 3 before, \d after; /)
    expect(out).toMatch(/\d of \d+ earlier calibration scores were above the threshold/)
    expect(Buffer.compare(await readFile(model), given)).toBe(0)
    await access(join(run, 'model.updated.onnx'))
  })

  it('prints the same as JSON, with the history', async () => {
    const file = join(root, 'more.onnx')
    const args = [
      'update',
      model,
      '--good',
      alarms,
      '--date',
      '2026-01-31',
      '--out',
      file,
      '--json',
    ]
    const outcome = await cflow(args)
    const { threshold, images, history, ...rest } = json<Updated>(outcome)
    expect(rest.file).toBe(file)
    expect(threshold.after).toBeGreaterThanOrEqual(threshold.before)
    expect(images).toHaveLength(3)
    for (const { before, after } of images) expect(after).toBeLessThan(before)
    expect(history).toMatchObject([{ images: 3, date: '2026-01-31' }])
    expect((await cflow(['predict', file, alarms, '--quiet'])).code).toBe(0)
  })

  it('says what is missing or cannot be', async () => {
    const refused = async (...args: string[]) => {
      const { code, err } = await cflow(['update', ...args])
      expect(code).toBe(2)
      return err
    }
    expect(await refused(model)).toMatch(/--good/)
    expect(await refused(model, '--good', join(root, 'nowhere'))).toMatch(/there is no/)
    expect(await refused(join(alarms, '0.png'), '--good', alarms)).toMatch(/0\.png/)
  })
})

import { temporaryFolder } from '@cflow/base/testing'
import { syntheticDataset } from '@cflow/datasets'
import { encodePng, writeDataset } from '@cflow/datasets/node'
import { existsSync } from 'node:fs'
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { main } from './cli.js'

const dir = await temporaryFolder('cli')

async function cflow(...argv: string[]) {
  let out = ''
  let err = ''
  const code = await main(argv, {
    out: (t) => (out += t),
    err: (t) => (err += t),
    columns: undefined,
    env: {},
    signal: new AbortController().signal,
  })
  return { code, out, err }
}

const small = ['--input-size', '64', '--passes', '1', '--folds', '0']

describe('train, evaluate, predict', () => {
  it('go from a folder to a verdict', async () => {
    await writeDataset(syntheticDataset({ kind: 'part', size: 64, train: 8, test: 9 }), dir)
    const run = join(dir, 'run')
    const trained = await cflow('train', '--dataset', 'mvtec', '--root', dir, '--category', 'part', ...small, '--out', run, '--json') // prettier-ignore
    expect(trained.err).not.toMatch(/error:/)
    expect(trained.code).toBe(0)
    const metrics = JSON.parse(trained.out) as Record<string, Record<string, number>>
    expect(metrics['image']!['auroc']).toBeGreaterThanOrEqual(0)
    expect(metrics['pixel']!['aupro']).toBeLessThanOrEqual(1)
    for (const name of ['model.onnx', 'metrics.json', 'report.html', 'checkpoint'])
      expect(existsSync(join(run, name)), name).toBe(true)
    expect(await readFile(join(run, 'report.html'), 'utf8')).toMatch(/<html/)

    const model = join(run, 'model.onnx')
    const judged = await cflow('evaluate', model, '--dataset', 'mvtec', '--root', dir, '--category', 'part', '--json') // prettier-ignore
    expect(judged.code).toBe(0)
    expect((JSON.parse(judged.out) as typeof metrics)['image']).toEqual(metrics['image'])

    const bad = join(dir, 'part', 'test', 'good', 'broken.png')
    await writeFile(bad, 'not an image')
    const out = join(dir, 'heat')
    const predicted = await cflow('predict', model, join(dir, 'part', 'test', 'good'), '--out', out, '--json') // prettier-ignore
    expect(predicted.code).toBe(1)
    const rows = JSON.parse(predicted.out) as { path: string; score?: number; error?: string }[]
    expect(rows.filter((r) => r.error !== undefined).map((r) => r.path)).toEqual([bad])
    expect(rows.filter((r) => typeof r.score === 'number').length).toBe(3)
    expect((await readdir(out)).filter((n) => n.endsWith('.png')).length).toBe(3)
  })
})

describe('mistakes get exit code 2, the thing at fault and a way out', () => {
  const refused = async (argv: string[], pattern: RegExp) => {
    const { code, err, out } = await cflow(...argv)
    expect(err).toMatch(pattern)
    expect(err).not.toMatch(/\n {4}at /)
    expect(out).toBe('')
    expect(code).toBe(2)
  }
  const out = () => ['--out', join(dir, 'none')]

  it('missing folder, empty folder, too few images, unreadable image', async () => {
    await refused(
      ['train', '--dataset', 'folder', '--root', join(dir, 'nowhere'), ...out()],
      /nowhere/,
    )
    const few = join(dir, 'few')
    await mkdir(few)
    await refused(['train', '--dataset', 'folder', '--root', few, ...out()], /few/)
    const image = await encodePng({ width: 64, height: 64, data: new Uint8Array(64 * 64 * 3) })
    await writeFile(join(few, 'a.png'), image)
    await writeFile(join(few, 'b.png'), image)
    await refused(
      ['train', '--dataset', 'folder', '--root', few, ...small, ...out()],
      /2 good images/,
    )
    for (const n of ['c', 'd', 'e', 'f']) await writeFile(join(few, `${n}.png`), image)
    await writeFile(join(few, 'd.png'), image.slice(0, 40))
    await refused(['train', '--dataset', 'folder', '--root', few, ...small, ...out()], /d\.png/)
    expect(existsSync(join(dir, 'none', 'model.onnx'))).toBe(false)
  })

  it('a category that does not exist, an encoder that does not exist, a bad setting', async () => {
    const root = join(dir, 'root')
    await mkdir(join(root, 'screw', 'train', 'good'), { recursive: true })
    await refused(
      ['train', '--dataset', 'mvtec', '--root', root, '--category', 'nut', ...out()],
      /nut/,
    )
    await refused(['train', '--dataset', 'synthetic', '--encoder', 'vgg', ...out()], /vgg/)
    await refused(['train', '--dataset', 'synthetic', '--passes', '-1', ...out()], /passes/)
    await refused(['train', '--nonsense'], /nonsense/)
    const config = join(dir, 'config.yaml')
    await writeFile(config, 'passes: 1\nspeed: 3\n')
    await refused(['train', '--dataset', 'synthetic', '--config', config, ...out()], /speed/)
  })

  it('a model file that is missing or not ours', async () => {
    await refused(['predict', join(dir, 'no.onnx'), dir], /no\.onnx/)
    const foreign = join(dir, 'foreign.onnx')
    await writeFile(foreign, 'not a model')
    await refused(['predict', foreign, dir], /foreign\.onnx/)
  })
})

it('prints help and version', async () => {
  expect((await cflow('--help')).out).toMatch(/train[\s\S]*evaluate[\s\S]*predict/)
  expect((await cflow('--version')).out.trim()).toBe('0.1.0')
})

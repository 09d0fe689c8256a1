import { temporaryFolder } from '@cflow/base/testing'
import { decodeImage } from '@cflow/datasets/node'
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { cflow, json, tiny } from './cflow.js'
import { writeGood, writeMvtec, writeTruncated } from './photos.js'

const dir = await temporaryFolder('cli')
const at = (...parts: string[]) => join(dir, ...parts)
const model = () => at('run', 'model.onnx')

beforeAll(async () => {
  await writeMvtec(dir)
  const images = ['--dataset', 'mvtec', '--root', dir, '--category', 'part']
  // scores without a bound: two images of noise already score all that a bounded score can be
  const training = [...images, ...tiny, '--aggregation', 'joint']
  const { code, err } = await cflow(['train', ...training, '--out', at('run')])
  if (code !== 0) throw new Error(err)
  await writeGood(at('a'), 2)
  await writeGood(at('b', 'deep'), 2)
  await copyFile(at('a', '0.png'), at('a', '0.gif')) // a PNG by content
}, 120_000)

interface Row {
  readonly path: string
  readonly score: number
  readonly threshold: number
  readonly anomalous: boolean
  readonly pValue: number
  readonly overlay: string
  readonly error?: string
}

describe('predict', { timeout: 60_000 }, () => {
  it('takes files, folders and globs, each image once, and writes heat maps', async () => {
    const paths = [at('a', '1.png'), at('b'), `${at('a')}/*.{png,gif}`]
    const result = await cflow(['predict', model(), ...paths, '--out', at('maps'), '--json'])
    expect(result.err).toBe('')
    expect(result.code).toBe(0)
    const rows = json<Row[]>(result)
    expect(rows.map((r) => r.path.slice(dir.length + 1))).toEqual([
      'a/1.png',
      'b/deep/0.png',
      'b/deep/1.png',
      'a/0.gif',
      'a/0.png',
    ])
    expect(rows[0]!.score).toBe(rows[2]!.score)
    for (const row of rows) {
      expect(row.anomalous).toBe(row.score > row.threshold)
      expect(row.pValue).toBeGreaterThan(0)
      expect(await decodeImage(row.overlay)).toMatchObject({ width: 64, height: 64 })
    }
    const overlays = await readdir(at('maps'), { recursive: true })
    expect(overlays.filter((name) => name.endsWith('.png')).sort()).toEqual([
      join('a', '0.gif.png'),
      join('a', '0.png.png'),
      join('a', '1.png'),
      join('b', 'deep', '0.png'),
      join('b', 'deep', '1.png'),
    ])
  })

  it('prints a table', async () => {
    const { out, err } = await cflow(['predict', model(), at('a', '0.png')])
    expect(out).toMatch(
      /^verdict +score +p-value {2}image\n(good|ANOMALOUS) +[\d.e+-]+ +\d\.\d{3} /,
    )
    expect(err).toMatch(/^1 image, [01] anomalous\n$/)
  })

  it('chooses another threshold for another false-positive rate', async () => {
    const args = ['predict', model(), at('a', '0.png'), '--json']
    const [stored] = json<Row[]>(await cflow(args))
    const [strict] = json<Row[]>(await cflow([...args, '--false-positive-rate', '0.001']))
    expect(strict!.threshold).toBeGreaterThan(stored!.threshold)
    expect(strict!.score).toBe(stored!.score)
  })

  it('reports a bad image, goes on with the rest, and ends with exit code 1', async () => {
    await mkdir(at('mixed'), { recursive: true })
    await copyFile(at('a', '0.png'), at('mixed', '0.png'))
    await writeTruncated(at('mixed', '1.png'))
    await writeFile(at('mixed', '2.png'), 'no image')
    await copyFile(at('a', '1.png'), at('mixed', '3.png'))
    const paths = [at('mixed'), at('not-there.png')]
    const result = await cflow(['predict', model(), ...paths, '--json', '--out', at('mixed-maps')])
    expect(result.code).toBe(1)
    const rows = json<Row[]>(result)
    expect(rows.map((r) => 'error' in r)).toEqual([false, true, true, false, true])
    expect(rows[1]!.error).toContain('damaged or cut off')
    expect(rows[2]!.error).toContain(at('mixed', '2.png'))
    expect(rows[4]!.error).toContain('there is no')
    expect(result.err.match(/^error: /gm)).toHaveLength(3)
    expect((await readdir(at('mixed-maps'))).sort()).toEqual(['0.png', '3.png'])
    const table = await cflow(['predict', model(), ...paths])
    expect(table.code).toBe(1)
    expect(table.out.match(/^error /gm)).toHaveLength(3)
    expect(table.err).toContain('3 could not be read')
  })
})

describe('evaluate', { timeout: 60_000 }, () => {
  it('measures a detector on the category it was trained for', async () => {
    const images = ['--dataset', 'mvtec', '--root', dir]
    const result = await cflow(['evaluate', model(), ...images, '--out', at('check'), '--json'])
    expect(result.code).toBe(0)
    expect(json(result)).toMatchObject({
      image: { auroc: expect.any(Number) as number },
      pixel: { aupro: expect.any(Number) as number },
      dataset: { category: 'part', test: 6 },
      protocol: 'strict',
    })
    expect((await readdir(at('check'))).sort()).toEqual(['metrics.json', 'report.html'])
  })

  it('gives scores alone for images that nobody sorted', async () => {
    await mkdir(at('unsorted', 'train'), { recursive: true })
    await mkdir(at('unsorted', 'test'), { recursive: true })
    await copyFile(at('a', '0.png'), at('unsorted', 'train', '0.png'))
    await copyFile(at('a', '1.png'), at('unsorted', 'test', '1.png'))
    const args = ['--root', at('unsorted'), '--out', at('unsorted-check'), '--json']
    const result = await cflow(['evaluate', model(), ...args, '--quiet'])
    expect(result.err).toBe('')
    expect(json(result)).not.toHaveProperty('image')
    expect(await readdir(at('unsorted-check'))).toContain('report.html')
  })
})

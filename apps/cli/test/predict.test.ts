import { temporaryFolder } from '@cflow/base/testing'
import { decodeImage, writePng } from '@cflow/datasets/node'
import { execFileSync } from 'node:child_process'
import { copyFile, mkdir, readFile, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import sharp from 'sharp'
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
    expect(result.err).toMatch(/^5 images, \d anomalous\n$/)
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

/** The bytes of every file below a folder. */
async function contents(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((e) => e.isFile()).map((e) => join(e.parentPath, e.name))
  return Object.fromEntries(
    await Promise.all(files.map(async (f) => [f, await readFile(f, 'hex')])),
  )
}

describe('photographs', { timeout: 60_000 }, () => {
  const predict = (...args: string[]) => cflow(['predict', model(), ...args, '--json'])

  it('are never written over, however the folder of the results is called', async () => {
    await writeGood(at('pin'), 3)
    await writeGood(at('pin', 'sub'), 1)
    await symlink(at('pin'), at('link'), 'junction')
    await symlink(at('pin', '0.png'), at('other-name.png')).catch(() => undefined)
    const before = await contents(at('pin'))
    for (const args of [
      [at('pin'), '--out', at('pin')],
      [at('pin'), '--out', join(at('pin'), 'sub', '..')],
      [at('pin'), '--out', at('link')],
      [at('link'), '--out', at('pin')],
      [`${at('pin')}/*.png`, '--out', at('pin')],
      [at('pin', '0.png'), '--out', at('pin')],
      [at('pin', '0.png'), '--out', at('pin'), '--overwrite'],
      // the results would lie among others' photographs
      [at('pin', 'sub'), '--out', at('pin')],
      [at('pin'), '--masks', at('pin')],
      [at('pin'), '--maps', at('pin', 'sub')],
    ]) {
      const result = await predict(...args)
      expect(result.code, args.join(' ')).toBe(2)
      expect(json(result)).toMatchObject({ error: { hint: expect.stringMatching(/Choose another folder/) } }) // prettier-ignore
      expect(await contents(at('pin'))).toEqual(before)
    }
  })

  it('are what is scored the second time too: results are recognised wherever they lie', async () => {
    await writeGood(at('twice'), 8)
    await writeFile(at('twice', 'notes.txt'), 'hello')
    const folders = (name: string) => [
      ...['--out', at('twice', name), '--masks', at('twice', name)],
      ...['--maps', at('twice', 'maps')],
    ]
    const first = json<Row[]>(await predict(at('twice'), ...folders('ov')))
    expect(first).toHaveLength(8)
    expect(await predict(at('twice'), ...folders('ov'))).toMatchObject({
      code: 0,
      err: expect.stringMatching(/left out: .*0\.tiff and 23 more, written by predict or inspect\nleft out: .*notes\.txt, no image/), // prettier-ignore
    })
    const again = await predict(at('twice'), ...folders('other'))
    expect(json<Row[]>(again).map((r) => [r.path, r.score])).toEqual(
      first.map((r) => [r.path, r.score]),
    )
    await copyFile(at('twice', 'ov', '0.png'), at('twice', 'copied.png'))
    expect(json(await predict(`${at('twice')}/*.png`))).toHaveLength(8)
    expect(await predict(at('twice', 'ov'))).toMatchObject({ code: 2 })
    const named = await predict(at('twice', 'ov', '0.png'))
    expect(json(named)).toMatchObject({
      error: { message: expect.stringMatching(/predict wrote/) },
    })
    // nor are they learned from
    const trained = await cflow([
      'train',
      '--root',
      at('twice'),
      ...tiny,
      '--out',
      at('t'),
      '--json',
    ])
    const { dataset } = json<{ dataset: { train: number } }>(trained)
    expect(dataset.train).toBe(8)
  })

  it('of others are not replaced by results, unless --overwrite says so', async () => {
    await writeGood(at('theirs'), 1)
    const before = await contents(at('theirs'))
    const args = [at('b', 'deep', '0.png'), '--out', at('theirs')]
    const refused = await predict(...args)
    expect(refused.code).toBe(2)
    expect(json(refused)).toMatchObject({ error: { code: 'EXISTS', subject: '--out' } })
    expect(await contents(at('theirs'))).toEqual(before)
    expect((await predict(...args, '--overwrite')).code).toBe(0)
    expect(await contents(at('theirs'))).not.toEqual(before)
  })

  it('that are pipes end with an error at once', async () => {
    if (process.platform === 'win32') return
    await mkdir(at('pipes'))
    execFileSync('mkfifo', [at('pipes', 'x.png')])
    await copyFile(at('a', '0.png'), at('pipes', 'y.png'))
    const rows = json<Row[]>(await predict(at('pipes')))
    expect(rows.map((r) => r.error?.replace(/.*x\.png/, '') ?? 'scored')).toEqual([
      ' is a named pipe, not an image',
      'scored',
    ])
  })
})

describe('results', { timeout: 60_000 }, () => {
  it('come one by one in every format, and hold the same', async () => {
    await writeFile(at('b', 'broken, "bad".png'), 'no image')
    const run = async (format: string) => {
      const pieces: string[] = []
      const world = { onOut: (text: string) => void pieces.push(text) }
      const result = await cflow(
        ['predict', model(), at('b'), '--format', format, '--quiet'],
        world,
      )
      expect(result.code).toBe(1)
      expect(result.err).toMatch(/^2 images, \d anomalous, 1 could not be read\n$/m)
      expect(pieces.length).toBeGreaterThanOrEqual(3)
      return result
    }
    const rows = json<Row[]>(await run('json'))
    expect(rows.map((r) => 'error' in r)).toEqual([true, false, false])
    const lines = (await run('jsonl')).out.trimEnd().split('\n')
    expect(lines.map((line) => JSON.parse(line) as Row)).toEqual(rows)
    const [header, broken, first] = (await run('csv')).out.split('\n')
    expect(header).toBe('path,score,threshold,anomalous,pValue,overlay,mask,map,error,code')
    expect(broken).toMatch(/^".*broken, ""bad""\.png",,,,,,,,.*,IMAGE$/)
    expect(first!.split(',').slice(1, 5)).toEqual(
      [rows[1]!.score, rows[1]!.threshold, rows[1]!.anomalous, rows[1]!.pValue].map(String),
    )
    await rm(at('b', 'broken, "bad".png'))
  })

  it.each([['json'], ['jsonl']])('that are there at Ctrl-C are kept: %s', async (format) => {
    const controller = new AbortController()
    const result = await cflow(['predict', model(), at('a'), at('b'), '--format', format], {
      signal: controller.signal,
      onOut: (text) => {
        if (text.includes('score')) controller.abort(new Error('interrupted'))
      },
    })
    expect(result.code).toBe(130)
    expect(result.err).toMatch(/interrupted after 1 of 5: 1 image, [01] anomalous/)
    const rows = format === 'json' ? json<Row[]>(result) : result.out.trimEnd().split('\n').map((l) => JSON.parse(l) as Row) // prettier-ignore
    expect(rows).toMatchObject([{ path: at('a', '0.gif') }, { code: 'INTERRUPTED' }])
  })

  it('an error before the first is the one document', async () => {
    const result = await cflow(['predict', at('gone.onnx'), at('a'), '--format', 'json'])
    expect(json(result)).toMatchObject({ error: { code: 'NOT_FOUND' } })
    const table = await cflow(['predict', at('gone.onnx'), at('a'), '--format', 'csv'])
    expect(table).toMatchObject({ code: 2, out: '' })
  })

  it('are judged by a threshold, and anomalies have an exit code of their own', async () => {
    const args = ['predict', model(), at('a'), '--json']
    const rows = json<Row[]>(await cflow(args))
    const threshold = Math.min(...rows.map((r) => r.score))
    const judged = await cflow([...args, '--threshold', String(threshold), '--fail-on-anomaly'])
    expect(judged.code).toBe(3)
    expect(json<Row[]>(judged).map((r) => [r.threshold, r.anomalous])).toEqual(
      rows.map((r) => [threshold, r.score > threshold]),
    )
    const high = await cflow([...args, '--threshold', '1e6', '--fail-on-anomaly'])
    expect(high.code).toBe(0)
    await writeFile(at('a', 'x.png'), 'no image')
    const broken = await cflow([...args, '--threshold', String(threshold), '--fail-on-anomaly'])
    expect(broken.code).toBe(1)
    await rm(at('a', 'x.png'))
    const both = await cflow([...args, '--threshold', '1', '--false-positive-rate', '0.1'])
    expect(both).toMatchObject({ code: 2, err: expect.stringMatching(/exclude each other/) })
  })

  it('are files: overlays and masks of the photograph’s size, maps as numbers', async () => {
    const photo = { width: 500, height: 300, data: new Uint8Array(500 * 300 * 3).fill(90) }
    await writePng(at('wide', 'wide.png'), photo)
    const tinyPhoto = { width: 9, height: 7, data: new Uint8Array(9 * 7 * 3).fill(90) }
    await writePng(at('wide', 'small.png'), tinyPhoto)
    const folders = ['out', 'masks', 'maps'].flatMap((k) => [`--${k}`, at('files', k)])
    const run = (threshold: number) =>
      cflow(['predict', model(), at('wide'), ...folders, '--threshold', `${threshold}`, '--json'])
    const low = json<(Row & { mask: string; map: string })[]>(await run(-1e6))
    for (const { path, overlay, mask, map, score } of low) {
      const { width, height } = await decodeImage(path)
      expect(await sharp(overlay).metadata()).toMatchObject({ width, height })
      expect(await sharp(mask).metadata()).toMatchObject({ width, height, channels: 1 })
      expect(new Set(await sharp(mask).raw().toBuffer())).toEqual(new Set([255]))
      const size = { width: 64, height: 64 }
      expect(await sharp(map).metadata()).toMatchObject({ ...size, channels: 1, depth: 'float' })
      const pixels = (await readFile(map)).subarray(-4 * 64 * 64)
      const values = Array.from({ length: 64 * 64 }, (_, i) => pixels.readFloatLE(4 * i))
      const grey = await sharp(map).linear(0, 7).toColourspace('b-w').raw().toBuffer()
      expect(new Set(grey)).toEqual(new Set([7]))
      // the score is the mean of the highest 0.3 % of the map
      const highest = values.sort((a, b) => b - a).slice(0, 12)
      const mean = highest.reduce((a, b) => a + b, 0) / highest.length
      expect(mean / score).toBeCloseTo(1, 5)
    }
    // the verdict is on the overlay: another one, other pixels in the corner
    const wide = low.find((r) => r.path.endsWith('wide.png'))!
    const corner = async () => [...(await decodeImage(wide.overlay)).data.subarray(0, 300)]
    const bad = await corner()
    // just below the score, where a map that is resampled may lose its peak
    const close = json<(Row & { mask: string })[]>(await run(wide.score - 1e-4))
    for (const { mask, anomalous } of close)
      expect((await sharp(mask).raw().toBuffer()).includes(255)).toBe(anomalous)
    await run(1e30)
    expect(await corner()).not.toEqual(bad)
  })

  it('show progress on a terminal that does not show them', async () => {
    const args = ['predict', model(), at('a')]
    const redirected = await cflow(args, { columns: 120 })
    expect(redirected.err).toMatch(/\rpredict {2}1\/3 .*images\/s/)
    const shown = await cflow(args, { columns: 120, isTerminal: true })
    expect(shown.err).not.toContain('images/s')
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
    expect((await readdir(at('check'))).sort()).toEqual([
      'metrics.json',
      'report.html',
      'run.json',
      'scores.csv',
    ])
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

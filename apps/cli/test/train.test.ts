import { temporaryFolder } from '@cflow/base/testing'
import { decodeCheckpoint } from '@cflow/trainer'
import { access, cp, mkdir, readFile, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { cflow, json, tiny, tinySet } from './cflow.js'
import { writeGood, writeMvtec } from './photos.js'

const dir = await temporaryFolder('cli')
const at = (...parts: string[]) => join(dir, ...parts)
beforeAll(async () => {
  await writeMvtec(at('set'))
})
const set = () => tinySet(at('set'))

interface Metrics {
  readonly image?: { readonly auroc: number; readonly f1Max: number }
  readonly pixel?: { readonly auroc: number; readonly aupro: number; readonly f1Max: number }
  readonly timing: { readonly seconds: Record<string, number>; readonly runtime: string }
  readonly config: Record<string, unknown>
  readonly history: readonly { readonly losses: readonly number[] }[]
  readonly operatingPoint?: { readonly falsePositiveRate: number | null }
  readonly detector: {
    readonly calibration: {
      readonly source: string
      readonly promise: { readonly kind: string }
      readonly setBy: { readonly id: string }
      readonly knownDefects?: object
    }
  }
  readonly files: Record<string, string>
}

describe('train', { timeout: 120_000 }, () => {
  it('leaves detector, metrics, report and checkpoint, and prints one JSON document', async () => {
    const few = ['--train-images', '6', '--test-images', '6']
    const result = await cflow([
      'train',
      '--dataset',
      'synthetic',
      ...few,
      ...tiny,
      '--out',
      at('run'),
      '--json',
    ])
    expect(result.err).toBe('')
    expect(result.code).toBe(0)
    const { files, ...printed } = json<Metrics>(result)
    for (const path of Object.values(files)) await access(path)
    expect((await readdir(at('run'))).sort()).toEqual([
      'checkpoint',
      'metrics.json',
      'model.onnx',
      'report.html',
      'run.json',
      'scores.csv',
    ])
    const rows = (await readFile(files['scores']!, 'utf8')).trim().split('\r\n')
    expect(rows.filter((row) => row.includes(',test,'))).toHaveLength(6)
    expect(rows.filter((row) => row.includes(',calibration,'))).toHaveLength(3)
    expect(await readdir(at('run', 'checkpoint'))).toEqual(['checkpoint.safetensors'])
    expect(JSON.parse(await readFile(files['metrics']!, 'utf8'))).toEqual(printed)
    const rates = [printed.image!.auroc, printed.image!.f1Max, printed.pixel!.auroc]
    for (const rate of [...rates, printed.pixel!.aupro, printed.pixel!.f1Max]) {
      expect(rate).toBeGreaterThanOrEqual(0)
      expect(rate).toBeLessThanOrEqual(1)
    }
    expect(printed.timing.seconds).toMatchObject({
      train: expect.any(Number) as number,
      total: expect.any(Number) as number,
    })
    expect(printed.config).toMatchObject({ inputSize: 64, passes: 1, recipe: 'whitened' })
    const report = await readFile(files['report']!, 'utf8')
    expect(report).toMatch(/^<!doctype html>/)
    expect(report).toContain('data:image/')
  })

  it('prints a summary for people, and progress beside it', async () => {
    const flags = set().filter((flag) => flag !== '--quiet')
    const { code, out, err } = await cflow(['train', ...flags, '--out', at('people')], {
      columns: 80,
    })
    expect(code).toBe(0)
    expect(out).toMatch(/images +AUROC \d\.\d{4}/)
    expect(out).toMatch(/pixels +AUROC \d\.\d{4} +AUPRO/)
    expect(out).toContain(at('people', 'report.html'))
    expect(err).toMatch(/train +pass 1\/1 .*loss -?\d+\.\d+/)
    expect(err.endsWith('\r\u001b[K')).toBe(true)
  })

  it('gives the same bytes after a stop and --resume as in one go', async () => {
    const passes = [...set(), '--passes', '2']
    expect((await cflow(['train', ...passes, '--out', at('whole')])).code).toBe(0)
    const stopped = await cflow(['train', ...passes, '--out', at('parts'), '--stop-after', '1'])
    expect(stopped.code).toBe(0)
    const resumed = await cflow(['train', ...passes, '--out', at('parts'), '--resume', '--json'])
    expect(json<Metrics>(resumed).history).toHaveLength(2)
    const bytes = (run: string) => readFile(at(run, 'model.onnx'))
    expect((await bytes('parts')).equals(await bytes('whole'))).toBe(true)
  })

  it('measures by the paper’s rules when asked, best epochs included, and says so', async () => {
    const flags = [...set(), '--passes', '2', '--protocol', 'paper', '--json']
    const trained = await cflow(['train', ...flags, '--out', at('paper-rules')])
    const first = json<Metrics & { best: { image: { value: number }; passes: number[] } }>(trained)
    expect(first).toMatchObject({ protocol: 'paper', best: { passes: [1, 2] } })
    expect(first.best.image.value).toBeGreaterThanOrEqual(first.image!.auroc)
    const report = await readFile(first.files['report']!, 'utf8')
    expect(report).toContain('Protocol: paper.')
    expect(report).toContain('Best of 2 epochs')

    const model = first.files['model']!
    const root = ['--dataset', 'mvtec', '--root', at('set'), '--category', 'part', '--json']
    const paper = await cflow(['evaluate', model, ...root, '--protocol', 'paper'])
    expect(json<Metrics>(paper)).toMatchObject({ protocol: 'paper', image: first.image })
    expect(json(await cflow(['evaluate', model, ...root]))).toMatchObject({ protocol: 'strict' })
  })

  it('does with good images only', async () => {
    await writeGood(at('good'))
    const args = ['train', '--root', at('good'), ...tiny, '--folds', '2', '--out', at('good-run'), '--json'] // prettier-ignore
    const result = await cflow(args)
    expect(result.code).toBe(0)
    const metrics = json<Metrics>(result)
    expect(metrics).not.toHaveProperty('image')
    expect(metrics).not.toHaveProperty('pixel')
    expect(metrics).toMatchObject({ dataset: { name: 'folder', train: 8, test: 0 } })
    const report = await readFile(at('good-run', 'report.html'), 'utf8')
    expect(report).toContain('<!doctype html>')
    // the images that set the threshold say nothing of how it does
    expect(report).not.toMatch(/false alarm on|95 % interval/)
    expect(report).toContain('No images were judged')
    expect(report).toContain(`<code>cflow train --root ${at('good')}`)
    const { source, promise, setBy } = metrics.detector.calibration
    expect([source, promise.kind]).toEqual(['folds', 'none'])
    expect(report).toContain(setBy.id)
    // and no rate is taken from them when they are judged, here by a detector that held none out
    const all = [...['train', '--root', at('good'), ...tiny], '--held-out', '0', '--out', at('all')]
    const { files } = json<Metrics>(await cflow([...all, '--json']))
    for (const file of await readdir(at('good')))
      await cp(at('good', file), at('own', 'test', 'good', file), { recursive: true })
    await cp(at('set', 'part', 'test'), at('own', 'test'), { recursive: true, force: false })
    await cp(at('set', 'part', 'train'), at('own', 'train'), { recursive: true })
    const own = ['evaluate', files['model']!, '--root', at('own'), '--quiet']
    const again = await cflow(own)
    expect(again.err).toBe('')
    expect(again.out).toContain('false alarms not measured: 8 of the good images set the threshold')
    const judged = json<Metrics>(await cflow([...own, '--json']))
    expect(judged.operatingPoint?.falsePositiveRate).toBe(null)
  })

  it('shows a threshold known defects, and learns nothing from them', async () => {
    await writeGood(at('plain'))
    await writeGood(at('defects'), 3)
    const run = (out: string, ...more: string[]) => cflow(['train', '--root', at('plain'), ...tiny, '--out', at(out), ...more]) // prettier-ignore
    const with3 = json<Metrics>(await run('with', '--known-defects', at('defects'), '--json'))
    const without = json<Metrics>(await run('without', '--json'))
    const [a, b] = [with3.detector.calibration, without.detector.calibration]
    expect(a.knownDefects).toMatchObject({ images: 3, found: expect.any(Number) as number })
    expect(a.setBy).toEqual(b.setBy)
    expect(with3.history).toMatchObject(without.history.map(({ losses }) => ({ losses })))
    const csv = await readFile(at('with', 'scores.csv'), 'utf8')
    expect(csv.match(/known defect/g)).toHaveLength(3)
    const { out } = await run('told', '--known-defects', at('defects'))
    expect(out).toMatch(/defects +(Finds \d of|Misses)/)
    expect(out).toMatch(
      /promise +Aimed at false alarms on 5 % of good images, not guaranteed: it rests on 3/,
    )

    await mkdir(at('empty'))
    for (const [folder, code] of [
      [at('empty'), 'no images'],
      [at('nowhere'), 'nowhere'],
    ] as const) {
      const refused = await run('refused', '--known-defects', folder)
      expect(refused.code).toBe(2)
      expect(refused.err).toContain(code)
    }
  })

  it('reads MVTec AD’s layout and a configuration file, and flags win over the file', async () => {
    const lines = [
      'dataset: mvtec',
      `root: ${JSON.stringify(at('set'))}`,
      'category: part',
      'input-size: 96',
      'couplingLayers: 2',
      'unconditional: true',
      'passes: 0',
      'seed: 7',
    ]
    await writeFile(at('settings.yaml'), lines.join('\n'))
    const args = ['train', '--config', at('settings.yaml'), '--input-size', '64', '--conditional']
    const result = await cflow([...args, '--out', at('configured'), '--json', '--quiet'])
    expect(result.err).toBe('')
    expect(json<Metrics>(result).config).toMatchObject({
      inputSize: 64,
      couplingLayers: 2,
      conditional: true,
      passes: 0,
      seed: 7,
    })
    expect(json(result)).toMatchObject({ dataset: { name: 'mvtec', category: 'part' } })
  })

  it('reads paths in a configuration file relative to the file', async () => {
    await mkdir(at('conf'), { recursive: true })
    const lines = [
      'root: ../set',
      'dataset: mvtec',
      'category: part',
      'out: ../beside',
      'passes: 0',
    ]
    await writeFile(at('conf', 'settings.yaml'), lines.join('\n'))
    const result = await cflow([
      'train',
      ...tiny,
      '--config',
      at('conf', 'settings.yaml'),
      '--json',
    ])
    expect(result.err).toBe('')
    expect(json<Metrics>(result).files['model']).toBe(at('beside', 'model.onnx'))
    // a flag is relative to the current folder
    const flag = ['--out', join('not-there', 'x'), '--root', join('..', 'gone')]
    const refused = await cflow(['train', '--config', at('conf', 'settings.yaml'), ...flag])
    expect(refused.err).toContain(`there is no ${join('..', 'gone')}`)
  })

  it('keeps results that are there, unless --overwrite says otherwise', async () => {
    const args = ['train', ...set(), '--out', at('kept'), '--json']
    expect((await cflow(args)).code).toBe(0)
    const before = await readFile(at('kept', 'metrics.json'))
    const refused = await cflow(args)
    expect(refused.code).toBe(2)
    expect(json(refused)).toMatchObject({ error: { code: 'EXISTS' } })
    const model = at('kept', 'model.onnx')
    const evaluated = await cflow(['evaluate', model, ...set().slice(0, 6), '--out', at('kept')])
    expect(evaluated.err).toMatch(/holds results already/)
    const exported = ['export', model, '--precision', 'fp16', '--out']
    expect((await cflow([...exported, at('kept', 'small.onnx')])).code).toBe(0)
    expect((await cflow([...exported, at('kept', 'small.onnx')])).err).toMatch(/is there already/)
    expect((await cflow([...exported, model, '--overwrite'])).err).toMatch(/is the detector/)
    expect((await readFile(at('kept', 'metrics.json'))).equals(before)).toBe(true)
    expect((await cflow([...args, '--overwrite', '--seed', '1'])).code).toBe(0)
    expect((await readFile(at('kept', 'metrics.json'))).equals(before)).toBe(false)
  })

  it('keeps the checkpoint at Ctrl-C, and says how to go on', async () => {
    const passes = [...set().filter((f) => f !== '--quiet'), '--passes', '500']
    const out = ['--out', at('interrupted')]
    await cflow(['train', ...passes, ...out, '--stop-after', '1'])
    const controller = new AbortController()
    const { code, err } = await cflow(['train', ...passes, ...out, '--resume'], {
      columns: 80,
      signal: controller.signal,
      onErr: (text) => {
        if (text.includes('pass ')) controller.abort(new Error('interrupted'))
      },
    })
    expect(code).toBe(130)
    expect(err).toContain('add --resume to go on')
    expect(err).not.toContain('error:')
    const file = await readFile(at('interrupted', 'checkpoint', 'checkpoint.safetensors'))
    const { passes: done } = decodeCheckpoint(file)
    expect(done).toBeGreaterThanOrEqual(1)
    const again = [...passes, ...out, '--resume', '--stop-after', `${done + 1}`, '--json']
    expect(json<Metrics>(await cflow(['train', ...again])).history).toHaveLength(done + 1)
  })
})

import { temporaryFolder } from '@cflow/base/testing'
import { access, readFile, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeAll, describe, expect, it } from 'vitest'
import { cflow, json } from './cflow.js'
import { writeMvtec } from './photos.js'

const dir = await temporaryFolder('cli')
const at = (...parts: string[]) => join(dir, ...parts)
beforeAll(async () => {
  await writeMvtec(at('set'))
})

const set = () => ['--dataset', 'mvtec', '--root', at('set'), '--category', 'part', '--quiet']
const small = ['--input-size', '64', '--threads', '1']
const trainWith = (method: string, ...more: string[]) =>
  cflow(['train', '--method', method, ...set(), ...small, '--out', at(method), '--json', ...more])

interface Metrics {
  readonly image: { readonly auroc: number }
  readonly detector: Readonly<Record<string, unknown>> & { readonly bytes: number }
  readonly config: Readonly<Record<string, unknown>>
  readonly files: Readonly<Record<string, string>>
}

describe('train --method', { timeout: 120_000 }, () => {
  it('padim leaves a detector that evaluate and predict take', async () => {
    const trained = await trainWith('padim', '--channels', '12')
    expect(trained.err).toBe('')
    const { files, image, detector, config } = json<Metrics>(trained)
    expect((await readdir(at('padim'))).sort()).toEqual([
      'metrics.json',
      'model.onnx',
      'report.html',
      'run.json',
      'scores.csv',
    ])
    expect(config).toMatchObject({ method: 'padim', channels: 12, inputSize: 64 })
    expect(detector).toMatchObject({ method: 'padim', settings: { channels: 12 } })
    expect(await readFile(files['report']!, 'utf8')).toContain('PaDiM on efficientnet-lite0')

    const judged = await cflow(['evaluate', files['model']!, ...set(), '--out', at('j'), '--json'])
    expect(json<Metrics>(judged).image.auroc).toBe(image.auroc)
    const test = at('set', 'part', 'test', 'good')
    const seen = await cflow(['predict', files['model']!, test, '--out', at('heat'), '--json'])
    expect(seen.code).toBe(0)
    const rows = json<readonly { score: number; overlay: string }[]>(seen)
    expect(rows.length).toBeGreaterThan(0)
    for (const { score, overlay } of rows) {
      expect(score).toBeGreaterThan(0)
      await access(overlay)
    }
  })

  it('spade writes a detector with its gallery in it, and says how large it is', async () => {
    const { code, out } = await cflow(['train', '--method', 'spade', '--neighbours', '3', ...set(), ...small, '--out', at('spade')]) // prettier-ignore
    expect(code).toBe(0)
    expect(out).toMatch(/detector +.*model\.onnx \(\d+\.\d MB\)/)
    expect((await readdir(at('spade'))).sort()).toEqual([
      'metrics.json',
      'model.onnx',
      'report.html',
      'run.json',
      'scores.csv',
    ])
  })

  it('patchcore keeps as many vectors as it is told to, and names a setting that is wrong', async () => {
    const trained = await trainWith('patchcore', '--memory', '20', '--joined-taps', '1', '--averaging', '5') // prettier-ignore
    expect(trained.err).toBe('')
    expect(json<Metrics>(trained).detector).toMatchObject({
      method: 'patchcore',
      settings: { memory: 20, joinedTaps: 1, averaging: 5, support: 9 },
    })
    const wrong = await trainWith('patchcore', '--averaging', '2')
    expect(wrong.err).toMatch(/--averaging/)
    expect(wrong.code).toBe(2)
  })

  it('dfr goes on from its checkpoint, and gives the same bytes as in one go', async () => {
    const passes = ['--method', 'dfr', ...set(), ...small, '--passes', '2', '--mini-batch', '64']
    expect((await cflow(['train', ...passes, '--out', at('whole')])).code).toBe(0)
    for (const more of [['--stop-after', '1'], ['--resume']])
      expect((await cflow(['train', ...passes, '--out', at('parts'), ...more])).code).toBe(0)
    const bytes = (run: string) => readFile(at(run, 'model.onnx'))
    expect((await bytes('parts')).equals(await bytes('whole'))).toBe(true)
  })

  it('refuses settings of other methods, and what needs a checkpoint', async () => {
    const refused = async (args: string[], pattern: RegExp) => {
      const { code, err } = await cflow(['train', ...set(), '--out', at('none'), ...args])
      expect(err).toMatch(pattern)
      expect(code).toBe(2)
    }
    await refused(['--method', 'vae'], /--method/)
    await refused(['--method', 'padim', '--neighbours', '3'], /--neighbours is no setting of PaDiM/)
    await refused(['--method', 'dfr', '--recipe', 'paper'], /--recipe is no setting of DFR/)
    await refused(['--channels', '3'], /--channels is no setting of CFLOW-AD/)
    await refused(['--method', 'padim', '--resume'], /no checkpoint/)
  })
})

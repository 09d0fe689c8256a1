import { temporaryFolder } from '@cflow/base/testing'
import { access, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { cflow, json } from './cflow.js'
import { hasFfmpeg, writeStc } from './stc-set.js'

interface Metrics {
  readonly image: { readonly auroc: number }
  readonly pixel: { readonly auroc: number }
  readonly dataset: Record<string, unknown>
  readonly detector: { readonly guaranteed: boolean }
  readonly config: Record<string, unknown>
}
interface AllScenes {
  readonly mean: Metrics
  readonly scenes: Record<string, Metrics>
}

const small = [
  ...['--input-size', '96', '--passes', '2', '--coupling-layers', '2', '--pool-layers', '2'],
  ...['--frame-step', '2', '--quiet', '--json'],
]

const dir = await temporaryFolder('cli')

describe.skipIf(!hasFfmpeg)('ShanghaiTech Campus', { timeout: 120_000 }, () => {
  const at = (...parts: string[]) => join(dir, ...parts)
  const set = () => ['--dataset', 'stc', '--root', at('stc')]
  beforeAll(async () => {
    vi.stubEnv('CFLOW_HOME', at('home'))
    await writeStc(at('stc'), [1, 2])
  })
  afterAll(async () => {
    vi.unstubAllEnvs()
  })

  it('trains on videos, finds what does not belong there, and evaluates the same', async () => {
    const args = ['train', ...set(), '--scene', '1', ...small, '--out', at('one')]
    const trained = await cflow(args)
    expect(trained.err).toBe('')
    const metrics = json<Metrics>(trained)
    expect(metrics.dataset).toEqual({ name: 'stc', category: 'stc-01', train: 36, test: 60 })
    expect(metrics.image.auroc).toBeGreaterThan(0.9)
    expect(metrics.pixel.auroc).toBeGreaterThan(0.9)
    // frames of videos are no independent images
    expect(metrics.detector.guaranteed).toBe(false)
    expect(metrics.config).toMatchObject({ normalisation: 'encoder' })
    expect(await readdir(at('home', 'frames'))).toHaveLength(3)

    // the scene is that of the detector; testing needs neither the training clips nor ffmpeg
    const none = ['--ffmpeg', at('none')]
    const judged = await cflow([
      'evaluate',
      at('one', 'model.onnx'),
      ...set(),
      ...none,
      '--quiet',
      '--json',
    ])
    expect(judged.err).toBe('')
    expect(json<Metrics>(judged).image).toEqual(metrics.image)
    expect(json<Metrics>(judged).pixel).toEqual(metrics.pixel)
  })

  it('trains and evaluates every scene by one command, and gives the mean', async () => {
    // after one pass from random flows the bounded scores of good frames end at their bound, where no threshold is
    const recipe = ['--recipe', 'paper', '--passes', '1', '--held-out', '0.3', '--rotation', '0', '--aggregation', 'standardised'] // prettier-ignore
    const settings = [...small, ...recipe, '--mini-batch', '2048']
    const trained = await cflow([
      'train',
      ...set(),
      '--scenes',
      'all',
      ...settings,
      '--out',
      at('all'),
    ])
    expect(trained.err).toBe('')
    const { mean, scenes } = json<AllScenes>(trained)
    expect(Object.keys(scenes)).toEqual(['01', '02'])
    expect(scenes['02']!.config).toMatchObject({ normalisation: 'stc' })
    const average = (scenes['01']!.image.auroc + scenes['02']!.image.auroc) / 2
    expect(mean.image.auroc).toBeCloseTo(average, 12)
    await access(at('all', 'metrics.json'))
    const judged = await cflow([
      'evaluate',
      at('all'),
      ...set(),
      '--scenes',
      'all',
      '--json',
      '--quiet',
    ])
    expect(judged.err).toBe('')
    expect(json<AllScenes>(judged).mean).toEqual(mean)
  })

  it('refuses what does not fit together, and leaves nothing', async () => {
    const refused = async (args: readonly string[], message: RegExp, hint = /./) => {
      const result = await cflow([...args, '--out', at('none')])
      expect(result.err).toMatch(message)
      expect(result.err).toMatch(new RegExp(`hint: .*${hint.source}`))
      expect(result.code).toBe(2)
      await expect(access(at('none'))).rejects.toThrow('ENOENT')
    }
    await refused(['train', ...set()], /needs --scene/, /Scenes in .*: 01, 02/)
    await refused(['train', ...set(), '--scene', '7'], /no training clip of scene 07/, /01, 02/)
    await rm(at('home'), { recursive: true, force: true })
    const ffmpeg = ['--ffmpeg', at('no-ffmpeg')]
    await refused(
      ['train', ...set(), '--scene', '01', ...ffmpeg],
      /there is no .*no-ffmpeg/,
      /Install/,
    )
    const usage = await cflow(['train', '--dataset', 'synthetic', '--scene', '01'])
    expect(usage.err).toMatch(/--scene is for --dataset stc only/)
    const both = await cflow(['train', ...set(), '--scene', '01', '--scenes', 'all'])
    expect(both.err).toMatch(/exclude each other/)
  })
})

import { CflowError } from '@cflow/base'
import { syntheticDataset } from '@cflow/datasets'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { averagePool, type Value } from '@cflow/graph'
import { resolveConfig, type TrainConfig } from '@cflow/methods'
import { openRuntime } from '@cflow/runtimes'
import { describe, expect, it } from 'vitest'
import { explainTuning, tune, type Progress } from '../index.node.js'
import { combined, tuneCandidates, candidateOf } from './candidates.js'
import type { TuneOptions } from './options.js'
import { roundsOf } from './parts.js'
import { trialCount, tuneImages } from './trials.js'

const runtime = await openRuntime()
const weights = await loadEncoderWeights('efficientnet-lite0')
const { train, category } = syntheticDataset({ kind: 'mesh', size: 64, train: 9, test: 0 })
const config: TrainConfig = resolveConfig({
  ...{ inputSize: 64, passes: 1, couplingLayers: 2, remembered: 100, poolLayers: 2 },
  neighbourhoods: '1',
})
const encoderOf = (of: TrainConfig) => {
  if (of.encoder !== config.encoder) return Promise.reject(new Error('another encoder'))
  return Promise.resolve(
    encoderModel(encoderSpec(of.encoder), weights, of.poolLayers, of.inputSize),
  )
}
const tuned = (more: Partial<TuneOptions> = {}) =>
  tune({ samples: train, category, config, encoderOf, runtime, ...more })

describe('tuning', { timeout: 120_000 }, () => {
  it('ranks candidates by made defects, with progress, and takes the best', async () => {
    const seen: Progress[] = []
    const candidates = [{ passes: 0 }, { poolLayers: 1 }] as const
    const result = await tuned({ candidates, onProgress: (p) => seen.push(p) })
    const { rows, chosen, base, folds, heldOut, defects } = result
    expect(rows.map((row) => row.name)).toEqual(
      expect.arrayContaining(['', 'passes 0', 'pool-layers 1']),
    )
    expect(rows).toHaveLength(new Set(rows.map((row) => row.name)).size)
    const scores = rows.flatMap(({ quality }) => (quality ? [quality.score] : []))
    expect(scores).toEqual([...scores].sort((a, b) => b - a))
    for (const { name, gain } of rows) {
      expect(gain?.gain ?? 0).toBeCloseTo(rows.find((row) => row.name === name)!.quality!.score - base.quality!.score, 10) // prettier-ignore
      if (name !== '') expect(gain!.error).toBeGreaterThan(0)
    }
    for (const { quality, milliseconds, seconds } of rows) {
      // better than chance: the defects can be seen, and the pixels of each are known
      expect(quality!.image).toBeGreaterThan(0.55)
      expect(quality!.pixel).toBeGreaterThan(0.6)
      expect(Math.max(quality!.image, quality!.pixel, quality!.aupro)).toBeLessThanOrEqual(1)
      expect(milliseconds).toBeGreaterThan(0)
      expect(seconds).toBeGreaterThan(0)
    }
    expect(chosen.quality!.score).toBeGreaterThanOrEqual(rows[0]!.quality!.score - result.level)
    expect(result.config).toEqual(resolveConfig({ ...config, ...result.changes } as never))
    expect([folds, heldOut]).toEqual([3, 9])
    expect(defects).toBe(3 * (trialCount(3) - 3))
    expect(base.name).toBe('')
    expect(explainTuning(result)).toMatch(/of 100 on \d+ made defects over 9 good images/)
    expect(seen.every((p) => p.done <= p.total)).toBe(true)
    expect([...new Set(seen.map((p) => p.stage))]).toEqual(['read', 'tune'])
    expect(seen.length).toBeGreaterThan(3)
    // the same seed, the same ranking
    const again = await tuned({ candidates: [] })
    for (const { name, quality } of again.rows)
      expect(quality).toEqual(rows.find((row) => row.name === name)!.quality)

    // killed after one candidate after the other, it goes on from those that are done, and finds the same
    let stored: Uint8Array | undefined
    let [trained, tries] = [0, 0]
    const inPieces = async () => {
      for (;;) {
        const stop = new AbortController()
        const checkpoints = {
          read: () => Promise.resolve(stored),
          write: (bytes: Uint8Array) => {
            stored = bytes
            if (++trained < 4) stop.abort(new Error('killed'))
            return Promise.resolve()
          },
        }
        tries++
        const ended = await tuned({ candidates, checkpoints, resume: true, signal: stop.signal }).catch((error: Error) => error) // prettier-ignore
        if (!(ended instanceof Error)) return ended
        expect(ended.message).toBe('killed')
      }
    }
    const pieced = await inPieces()
    const found = ({ name, quality, gain, round, likelihood }: (typeof rows)[number]) => ({ name, quality, gain, round, likelihood }) // prettier-ignore
    expect(pieced.rows.map(found)).toEqual(rows.map(found))
    expect([pieced.chosen.name, tries]).toEqual([chosen.name, 4])
    const { entries } = JSON.parse(new TextDecoder().decode(stored)) as { entries: unknown[] }
    expect(trained).toBe(entries.length)
    await expect(tuned({ candidates: [{ passes: 2 }], checkpoints: { read: () => Promise.resolve(stored), write: () => Promise.resolve() }, resume: true })).rejects.toMatchObject({ code: 'CHECKPOINT' }) // prettier-ignore
  })

  it('finds out which candidate sees less', async () => {
    const blurred: TuneOptions['encoderOf'] = async (of) => {
      const model = await encoderOf(of)
      const taps = (pixels: Value) => model.encoder.taps(averagePool(pixels, 31))
      return { ...model, encoder: { ...model.encoder, taps } }
    }
    const { rows, chosen } = await tuned({
      candidates: [{ passes: 0 }],
      encoderOf: (of) => ('passes' in of && of.passes === 0 ? encoderOf(of) : blurred(of)),
    })
    const [sharp, soft] = ['passes 0', ''].map((name) => rows.find((row) => row.name === name)!)
    expect(sharp!.quality!.score).toBeGreaterThan(soft!.quality!.score + 0.05)
    expect(chosen.name).toBe('passes 0')
  })

  // of times: what else a machine does may make any of them long
  it(
    'keeps a budget: what takes longer is not chosen, however good, nor tried where that is clear',
    { retry: 2 },
    async () => {
      const large = { ...config, inputSize: 160 }
      const candidates = [{ passes: 2 }, { inputSize: 32 }] as const
      const free = await tuned({ config: large, candidates: [{ inputSize: 32 }] })
      const [slow, quick] = ['', 'input-size 32'].map((name) => free.rows.find((row) => row.name === name)!.milliseconds!) // prettier-ignore
      const budget = Math.sqrt(slow! * quick!)
      const { chosen, rows, base, ...result } = await tuned({ config: large, candidates, budget })
      expect(chosen.name).toBe('input-size 32')
      expect(chosen.milliseconds).toBeLessThanOrEqual(budget)
      expect(result.config.inputSize).toBe(32)
      expect(base.milliseconds).toBeGreaterThan(budget)
      expect(
        rows.filter((row) => row.out === 'budget').map((row) => [row.name, row.round]),
      ).toEqual([
        ['', 1],
        ['passes 2', 0],
      ])
      expect(explainTuning({ chosen, rows, base, ...result })).toContain('more than the budget')
    },
  )

  it('says what the quickest takes where no candidate keeps a budget', async () => {
    await expect(tuned({ candidates: [], budget: 1e-6 })).rejects.toMatchObject({
      code: 'USAGE',
      subject: '--budget',
      hint: expect.stringMatching(/the quickest, .* takes \d/) as string,
    })
  })

  it('tries nothing more when the time is over, and says so', async () => {
    const result = await tuned({ candidates: [{ passes: 0 }], minutes: 1e-6 })
    expect(result.rows.map(({ name, out }) => [name, out])).toEqual([
      ['', undefined],
      ['passes 0', 'time'],
    ])
    expect(explainTuning(result)).toMatch(/time was too short for 1 more/)
  })

  it('ends by an abort, and says which candidate cannot be made', async () => {
    const controller = new AbortController()
    const stop = () => controller.abort(new Error('enough'))
    const work = tuned({ candidates: [], onProgress: stop, signal: controller.signal })
    await expect(work).rejects.toThrow('enough')
    const { rows, chosen } = await tuned({
      candidates: [{ passes: 0 }],
      encoderOf: (of) =>
        'passes' in of && of.passes === 0
          ? Promise.reject(new CflowError('WEIGHTS', 'none here'))
          : encoderOf(of),
    })
    expect(rows.find((row) => row.name === 'passes 0')).toMatchObject({ out: 'error', message: 'none here' }) // prettier-ignore
    expect(chosen.name).toBe('')
  })

  it('of too few images is refused', async () => {
    await expect(tuned({ samples: train.slice(0, 7) })).rejects.toMatchObject({
      code: 'TOO_FEW_IMAGES',
    })
  })
})

describe('candidates', () => {
  const all = (about: Parameters<typeof tuneCandidates>[1], from: TrainConfig = resolveConfig()) =>
    tuneCandidates(from, about).map((c) => c.name)

  it('are the settings as they are, then others in one or two settings, each once', () => {
    const names = all({ side: 1000 })
    expect(names[0]).toBe('')
    expect(names).toContain('input-size 384')
    // the recipe's own values are no candidates
    expect(names.join()).not.toContain('1+3')
    expect(new Set(names).size).toBe(names.length)
    for (const { changes } of tuneCandidates(resolveConfig(), { side: 1000 }))
      expect(Object.keys(changes).length).toBeLessThanOrEqual(2)
  })

  it('leave alone what is fixed, sizes beyond those of the images, and what the method has not', () => {
    expect(all({ side: 256 }).join()).not.toContain('384')
    expect(all({ side: 1000, fixed: ['passes'] }).join()).not.toContain('passes')
    const patchcore = all({ side: 256 }, resolveConfig({ method: 'patchcore' }))
    expect(patchcore).toContain('averaging 5')
    expect(patchcore.join()).not.toContain('passes')
    expect(all({ side: 256, encoders: ['resnet18', 'efficientnet-lite0'] })).toContain('encoder resnet18') // prettier-ignore
    expect(all({ side: 256 }).join()).not.toContain('128')
    expect(all({ side: 256, budget: 10 })).toContain('input-size 128')
    expect(all({ side: 256, proportion: 1.1 }).join()).not.toContain('resize')
    expect(all({ side: 256, proportion: 2 })).toContain('resize pad')
  })

  it('are joined where they do not change the same', () => {
    const base = resolveConfig()
    const [a, b, c] = [{ passes: 0 }, { poolLayers: 2 }, { passes: 12 }].map((changes) =>
      candidateOf(base, changes as never),
    )
    expect(combined(base, a!, b!)?.changes).toEqual({ passes: 0, poolLayers: 2 })
    expect(combined(base, a!, c!)).toBeUndefined()
  })
})

describe('rounds', () => {
  const images = (count: number) => Array.from({ length: count }, () => ({}))

  it('keep groups on one side, unless these are so large that nothing is left', () => {
    const pairs = Array.from({ length: 60 }, (_, i) => ({ sequence: `${Math.floor(i / 2)}` }))
    for (const { parts } of roundsOf(pairs, 0))
      for (const { training, heldOut } of parts) {
        const groups = new Set(training.map((i) => pairs[i]!.sequence))
        expect(heldOut.filter((i) => groups.has(pairs[i]!.sequence))).toEqual([])
      }
    const lumps = Array.from({ length: 10 }, (_, i) => ({ sequence: i === 0 ? 'a' : 'b' }))
    for (const { parts } of roundsOf(lumps, 0))
      for (const { training } of parts) expect(training.length).toBeGreaterThanOrEqual(5)
  })

  it.each([8, 12, 31, 39, 40, 60, 120, 300])(
    'of %i images hold out what they do not train on',
    (count) => {
      const rounds = roundsOf(images(count), 0)
      for (const { parts } of rounds)
        for (const { training, heldOut } of parts) {
          expect(training.filter((i) => heldOut.includes(i))).toEqual([])
          expect(training.length).toBeGreaterThanOrEqual(5)
          expect(heldOut.length).toBeGreaterThanOrEqual(2)
          for (const i of [...training, ...heldOut]) expect(i).toBeLessThan(count)
        }
      const sizes = rounds.map(({ parts }) => parts[0]!.training.length)
      expect(sizes).toEqual([...sizes].sort((a, b) => a - b))
      expect(rounds.at(-1)!.until).toBe(1)
    },
  )
})

it('trials show every image untouched and with a defect of every kind, at the size asked', async () => {
  const trials = tuneImages(runtime, train, 0).trials([3, 5], { inputSize: 96 })
  let [good, bad] = [0, 0]
  for await (const { defect, image, mask } of trials) {
    expect([image.width, image.height, image.data.length]).toEqual([96, 96, 96 * 96 * 3])
    if (defect === 'good') good++
    else bad++
    expect(mask?.data.some((m) => m === 1)).toBe(defect === 'good' ? undefined : true)
  }
  expect([good, good + bad]).toEqual([2, trialCount(2)])
})

it('trials that are padded have their defects where the image lies', async () => {
  const tall = train.slice(0, 2).map((sample) => ({
    ...sample,
    async load() {
      const { width, height, data } = await sample.load()
      return { width: width / 4, height, data: data.slice(0, data.length / 4) }
    },
  }))
  const trials = tuneImages(runtime, tall, 0).trials([0, 1], { inputSize: 64, resize: 'pad' })
  let count = 0
  for await (const { image, mask } of trials) {
    // a quarter as wide as high, in the middle; beyond it the last pixels go on
    for (let y = 0; y < 64; y++)
      for (const [x, last] of [
        [0, 24],
        [23, 24],
        [40, 39],
        [63, 39],
      ] as const)
        // prettier-ignore
        expect(image.data[3 * (64 * y + x)]).toBe(image.data[3 * (64 * y + last)])
    if (!mask) continue
    count++
    const { width } = mask
    mask.data.forEach((m, i) => {
      const x = (i % width) / width
      if (m === 1) expect(x >= 0.37 && x < 0.63).toBe(true)
    })
    expect(mask.data.includes(1)).toBe(true)
  }
  expect(count).toBe(trialCount(2) - 2)
})

import { floats, imageTensor, type RgbImage } from '@cflow/base'
import { detectorStages, logLikelihood, manifestKey, parseManifest, readFlow } from '@cflow/core'
import { syntheticDataset, type Sample } from '@cflow/datasets'
import { promiseOf } from '@cflow/detector'
import { encoderModel, encoderSpec, normalised } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { readMetadata } from '@cflow/graph'
import { resolveConfig, type TrainOptions } from '@cflow/methods'
import { openRuntime } from '@cflow/runtimes'
import { readSafetensors, writeSafetensors } from '@cflow/weights'
import fc from 'fast-check'
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { decodeCheckpoint, evaluate, fit, software, splitHeldOut } from './index.node.js'
import { calibrationPlan, type CalibrationPlan } from './split.js'
import type { FitOptions } from './fit.js'
import type { CheckpointStore, Progress } from './index.node.js'

const runtime = await openRuntime()
const weights = await loadEncoderWeights('efficientnet-lite0')
const dataset = syntheticDataset({ kind: 'cable', size: 64, train: 10, test: 9 })

function memory(): CheckpointStore & { bytes: Uint8Array | undefined } {
  return {
    bytes: undefined,
    read() {
      return Promise.resolve(this.bytes)
    },
    write(bytes) {
      this.bytes = bytes
      return Promise.resolve()
    },
  }
}

function job(options: TrainOptions<'cflow'>, more: Partial<FitOptions> = {}) {
  const config = resolveConfig({ inputSize: 64, passes: 2, folds: 0, ...options })
  const encoder = encoderModel(
    normalised(encoderSpec(config.encoder), config.normalisation),
    weights,
    config.poolLayers,
    config.inputSize,
  )
  return fit({ samples: dataset.train, category: 'cable', config, encoder, runtime, ...more })
}

describe('training', () => {
  it('gives the same file for the same seed, another for another', async () => {
    const [a, b, c] = [await job({}), await job({}), await job({ seed: 1 })]
    expect(Buffer.compare(b.model, a.model)).toBe(0)
    expect(Buffer.compare(c.model, a.model)).not.toBe(0)
    expect(parseManifest(readMetadata(a.model))).toEqual(a.manifest)
    expect(Object.keys(readMetadata(a.model))).toEqual([manifestKey])
    expect(a.manifest.training.images + a.manifest.training.heldOut).toBe(10)
  })

  it('finds the flows of every option of the family in the file, and detects with it', async () => {
    const { model, manifest } = await job({
      ...{ coupling: 'additive', base: 'refitted', imageScales: 2, poolLayers: 4 },
      ...{ resize: 'pad', brightness: 0.1, remembered: 50, passes: 1, couplingLayers: 2 },
    })
    const { taps } = manifest.encoder
    // stride 4 as it is; 8 as it is and averaged, 16 and 32 averaged; the same of half the image
    const strides = [4, 8, 8, 16, 32]
    expect(taps.map((t) => t.stride)).toEqual([...strides, ...strides.map((s) => 2 * s)])
    expect(manifest.memory?.taps).toEqual([taps[2]?.name, taps[3]?.name])
    expect(manifest.resize).toBe('pad')
    expect(manifest.smoothing).toBe(4)
    expect(manifest.flows.every((f) => f.coupling === 'additive')).toBe(true)
    const image = await dataset.test[0]!.load()
    const session = await runtime.createSession(model)
    const feeds = { image: imageTensor(image) }
    const own = await session.run(feeds)
    const [preprocessing, encoder] = detectorStages(model)
    const planes = await (await runtime.createSession(preprocessing!.model)).run(feeds)
    const maps = await (await runtime.createSession(encoder!.model)).run(planes)
    for (const [k, { channels: depth, height, width }] of taps.entries()) {
      const flow = readFlow(model, k)
      expect([...flow.parameters.keys()]).toContain('base.factor')
      const map = maps[`stage encoder ${k}`]!.data as Float32Array
      const area = height * width
      const rows = Float32Array.from({ length: area * depth }, (_, i) => map[(i % depth) * area + Math.floor(i / depth)] as number) // prettier-ignore
      const likelihoods = await logLikelihood(flow, floats('float32', [area, depth], rows), { runtime }) // prettier-ignore
      const wanted = own[`log_likelihood_${k}`]!.data as Float32Array
      likelihoods.forEach((l, i) => expect(l / depth).toBeCloseTo(wanted[i] as number, 3))
    }
    // an image that fills half of the square only: the map covers the image all the same
    const half = { width: 64, height: 32, data: image.data.slice(0, 3 * 64 * 32) }
    const wide = await session.run({ image: imageTensor(half) })
    expect(wide['anomaly_map']!.shape).toEqual([1, 64, 64])
    expect(wide['score']!.data[0]).toBeGreaterThan(0)
  })

  it.each(['whitened', 'paper'] as const)(
    '%s: resumed after an interruption it gives the same bytes',
    async (recipe) => {
      const options = { recipe, passes: 3, couplingLayers: 2 }
      const whole = await job(options)
      const checkpoints = memory()
      await job(options, { checkpoints, stopAfter: 1 })
      expect(decodeCheckpoint(checkpoints.bytes!).passes).toBe(1)
      const resumed = await job(options, { checkpoints, resume: true })
      expect(resumed.history.length).toBe(3)
      expect(Buffer.compare(resumed.model, whole.model)).toBe(0)
    },
  )

  it('an interruption between two checkpoints loses no pass that is over', async () => {
    const options = { passes: 3, couplingLayers: 2 }
    const whole = await job(options)
    const checkpoints = memory()
    const controller = new AbortController()
    const interrupted = job(options, {
      checkpoints,
      signal: controller.signal,
      onProgress: (p) => {
        if (p.stage === 'train' && p.done >= 2) controller.abort(new Error('stop'))
      },
    })
    await expect(interrupted).rejects.toThrow('stop')
    expect(decodeCheckpoint(checkpoints.bytes!).passes).toBe(2)
    const resumed = await job(options, { checkpoints, resume: true })
    expect(Buffer.compare(resumed.model, whole.model)).toBe(0)
  })

  it('is finished early: after the pass under way, as one that has only so many passes', async () => {
    const options = { passes: 3, couplingLayers: 2 }
    const whole = await job(options)
    const finish = new AbortController()
    const finished = await job(options, {
      finish: finish.signal,
      onProgress: (p) => p.stage === 'train' && p.done > 0 && finish.abort(),
    })
    expect(finished.history.length).toBe(1)
    expect(finished.manifest.training.passes).toBe(1)
    const one = await job(options, { stopAfter: 1 })
    expect(Buffer.compare(finished.model, one.model)).toBe(0)
    expect(Buffer.compare(finished.model, whole.model)).not.toBe(0)
  })

  it('lowers the loss', async () => {
    const { history } = await job({ passes: 6 })
    history[0]!.losses.forEach((first, k) => expect(history[5]!.losses[k]).toBeLessThan(first))
  })

  it('refuses a checkpoint from other settings, other images, or a damaged one', async () => {
    const checkpoints = memory()
    await job({ passes: 1 }, { checkpoints })
    const refused = (options: TrainOptions<'cflow'>, more: Partial<FitOptions> = {}) =>
      expect(job(options, { checkpoints, resume: true, ...more })).rejects.toMatchObject({
        code: 'CHECKPOINT',
      })
    await refused({ passes: 2 })
    await refused({ passes: 1 }, { samples: dataset.train.slice(1) })
    const { tensors, metadata } = readSafetensors(checkpoints.bytes!)
    const earlier = metadata['cflow-checkpoint']!.replace('"version":3', '"version":2')
    const bytes = writeSafetensors(tensors, { 'cflow-checkpoint': earlier })
    expect(() => decodeCheckpoint(bytes)).toThrow(/an earlier version/)
    checkpoints.bytes = checkpoints.bytes!.slice(0, 100)
    await refused({ passes: 1 })
  })

  it('says how many images are too few', async () => {
    await expect(job({}, { samples: dataset.train.slice(0, 2) })).rejects.toMatchObject({
      code: 'TOO_FEW_IMAGES',
    })
  })

  it('trains every kind of flow it offers', async () => {
    for (const options of [
      { permutation: 'hard', conditional: false, poolLayers: 2 },
      { permutation: 'soft', clamp: 'freia', loss: 'logsigmoid', rotation: 5 },
      { recipe: 'paper', poolLayers: 1, couplingLayers: 1, heldOut: 0.2 },
    ] as const)
      expect((await job({ ...options, passes: 1 })).manifest.scales.length).toBe(
        // the whitened recipe has the finest of three taps twice, and a memory
        { 1: 1, 2: 3, 3: 5 }['poolLayers' in options ? options.poolLayers : 3],
      )
  })

  it('finds the defects of the built-in set, also at 64 pixels', async () => {
    const { model } = await job({})
    const { evaluation } = await evaluate({ model, samples: dataset.test, runtime })
    expect(evaluation.pixel!.auroc).toBeGreaterThan(0.75)
    expect(evaluation.defects.length).toBeGreaterThan(2)
  })
})

describe('calibration in folds', () => {
  const options = { folds: 3, passes: 2, couplingLayers: 1, poolLayers: 1 } as const
  // ten images: twice as many folds

  it('judges every image by what was learned without it', async () => {
    // of scores that are likelihoods, not what is usual of them
    const plain = { ...options, remembered: 0, aggregation: 'perDimension' } as const
    const { manifest, history } = await job(plain)
    const { source, folds, scores, guaranteed } = manifest.calibration
    expect({ source, folds, guaranteed }).toEqual({ source: 'folds', folds: 6, guaranteed: false })
    expect(scores.length).toBe(10)
    expect(manifest.training).toMatchObject({ images: 10, heldOut: 0 })
    expect(history.length).toBeLessThanOrEqual(2)
    // the training images themselves score lower
    const trained = await job({ ...plain, heldOut: 0 })
    const mean = (values: readonly number[]) => values.reduce((a, b) => a + b) / values.length
    expect(mean(scores)).toBeGreaterThan(mean(trained.manifest.calibration.scores))
  })

  it('finished early: the folds so far say where the threshold is, of their images alone', async () => {
    const whole = await job(options)
    const finish = new AbortController()
    const { manifest, calibration } = await job(options, {
      finish: finish.signal,
      onProgress: (p) => p.stage === 'folds' && p.done >= 3 && finish.abort(),
    })
    const { folds, scores } = manifest.calibration
    expect(folds).toBe(2)
    expect(scores.length).toBe(calibration.length)
    expect(calibration.length).toBeLessThan(10)
    expect(calibration.length).toBeGreaterThanOrEqual(3)
    // each image has the score that a detector without it gives, whichever folds come after
    for (const { index } of calibration)
      expect(calibration.find((c) => c.index === index)!.id).toBe(whole.calibration[index]!.id)
    expect(manifest.training.images).toBe(10)
  })

  it('resumed after an interruption it gives the same bytes, without training the folds again', async () => {
    // from random parameters every pass helps
    const random = { ...options, recipe: 'paper', heldOut: 0.2, passes: 3, rotation: 0 } as const
    const whole = await job(random)
    expect(whole.history.length).toBeGreaterThan(1)
    const checkpoints = memory()
    await job(random, { checkpoints, stopAfter: 1 })
    const stages = new Set<string>()
    const onProgress = ({ stage }: Progress) => stages.add(stage)
    const resumed = await job(random, { checkpoints, resume: true, onProgress })
    expect(Buffer.compare(resumed.model, whole.model)).toBe(0)
    expect(stages).not.toContain('folds')
  })

  it('is for images that are too few to hold some out', () => {
    const plan = (images: number, more: object = {}) =>
      calibrationPlan(new Array(images).fill({}), resolveConfig(more))
    const folds = (p: CalibrationPlan) => (p.source === 'folds' ? p.folds.length : p.source)
    expect([10, 30, 60, 92, 93].map((n) => folds(plan(n)))).toEqual([10, 5, 3, 3, 'held-out'])
    expect(folds(plan(30, { folds: 0 }))).toBe('held-out')
    expect(folds(plan(30, { falsePositiveRate: 0.2 }))).toBe('held-out')
    expect(folds(plan(30, { heldOut: 0 }))).toBe('training')
    const parts = plan(30)
    if (parts.source === 'folds')
      expect(parts.folds.flat()).toEqual(Array.from({ length: 30 }, (_, i) => i))
    // frames of one video stay together
    const frames = Array.from({ length: 30 }, (_, i) => ({ sequence: `v${Math.floor(i / 8)}` }))
    const videos = calibrationPlan(frames, resolveConfig())
    expect(videos).toMatchObject({ source: 'folds' })
    if (videos.source === 'folds')
      for (const fold of videos.folds) {
        const own = new Set(fold.map((i) => frames[i]!.sequence))
        const others = frames.filter((_, i) => !fold.includes(i))
        expect(others.some(({ sequence }) => own.has(sequence))).toBe(false)
      }
  })
})

describe('settings', () => {
  it('keep some images out of training, never all', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 300 }),
        fc.double({ min: 0, max: 0.5, noNaN: true }),
        (n, heldOut) => {
          const { training, heldOut: held } = splitHeldOut(new Array(n).fill({}), {
            heldOut,
            seed: 0,
          })
          expect([...training, ...held].sort((a, b) => a - b)).toEqual(
            Array.from({ length: n }, (_, i) => i),
          )
          expect(training.length).toBeGreaterThan(1)
        },
      ),
    )
  })
})

describe('frames of videos', () => {
  it('are held out by whole videos, about as many as wanted', () => {
    const clips = fc.array(fc.integer({ min: 3, max: 40 }), { minLength: 2, maxLength: 9 })
    fc.assert(
      fc.property(clips, fc.double({ min: 0.05, max: 0.5, noNaN: true }), (sizes, heldOut) => {
        const sequences = sizes.flatMap((n, i) => new Array<string>(n).fill(`clip ${i}`))
        const split = splitHeldOut(
          sequences.map((sequence) => ({ sequence })),
          { heldOut, seed: 1 },
        )
        expect([...split.training, ...split.heldOut].sort((a, b) => a - b)).toEqual([
          ...sequences.keys(),
        ])
        const names = (places: number[]) => new Set(places.map((i) => sequences[i]))
        expect(names(split.training).size).toBeGreaterThan(0)
        expect(names(split.heldOut).size).toBeGreaterThan(0)
        for (const name of names(split.heldOut)) expect(names(split.training)).not.toContain(name)
        expect(split.heldOut.length).toBeLessThan(sequences.length * heldOut + 3 + 40)
      }),
    )
  })

  it('make a detector whose rate is not guaranteed, and are never many in memory', async () => {
    const samples = dataset.train.map((s, i) => ({ ...s, sequence: `clip ${i % 3}` }))
    const options = { falsePositiveRate: 0.4, passes: 0, poolLayers: 1, couplingLayers: 1 } as const
    const { manifest, model } = await job(options, { samples })
    expect(manifest.calibration.guaranteed).toBe(false)
    expect((await job(options)).manifest.calibration.guaranteed).toBe(true)

    let loaded = 0
    let most = 0
    let done = 0
    const many = Array.from({ length: 30 }, (_, i): Sample => {
      const sample = dataset.test[i % dataset.test.length]!
      const load = async () => {
        most = Math.max(most, ++loaded - done)
        return sample.load()
      }
      return { ...sample, id: `${i}`, load }
    })
    const onProgress = (p: Progress): void => void (done = p.done)
    const { evaluation } = await evaluate({ model, samples: many, runtime, onProgress })
    expect(loaded).toBe(30)
    expect(most).toBeLessThanOrEqual(6)
    expect(evaluation.pixel).not.toHaveProperty('aurocError')
  })
})

it('takes pixels normalised as the authors do for ShanghaiTech Campus, when asked', async () => {
  const { manifest } = await job({ normalisation: 'stc', passes: 0, poolLayers: 1 })
  expect(manifest.encoder).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [0.225, 0.225, 0.225] })
})

it('is recorded in files under the package’s version', () => {
  const { version } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { version: string }
  expect(software.version).toBe(version)
})

describe('images that are the same as others', () => {
  const different = syntheticDataset({ kind: 'cable', size: 64, train: 24, test: 6 })
  const copies = [1, 2, 3, 4].flatMap((time) =>
    different.train.map((s): Sample => ({ ...s, id: `${time}-${s.id}` })),
  )

  it('stand on one side of a split, and nothing is promised of them', async () => {
    const { manifest, remarks, model } = await job({ passes: 1 }, { samples: copies })
    const { calibration, training } = manifest
    expect(training.copies).toEqual({ images: 96, distinct: 24 })
    expect(calibration).toMatchObject({ independent: false, guaranteed: false })
    // whole groups are held out
    expect(training.heldOut % 4).toBe(0)
    expect(promiseOf(manifest)).toMatchObject({ kind: 'none', text: expect.stringMatching(/96 .*nearly the same.* 24 differ/) }) // prettier-ignore
    expect(promiseOf(manifest).limit).toBeUndefined()
    expect(remarks).toEqual([expect.stringMatching(/^96 of the 96 good images are the same/)])
    // the detector knows its images again, and no others
    const [first] = different.train
    const judged = await evaluate({ model, samples: [first!, ...different.test], runtime })
    expect(judged.remarks).toContainEqual(expect.stringMatching(/is one of the images that the detector was trained with/)) // prettier-ignore
    const others = await evaluate({ model, samples: different.test, runtime })
    expect(others.remarks ?? []).not.toContainEqual(expect.stringContaining('trained with:'))
  })

  it('are not found where none are: what was promised is', async () => {
    const { train } = syntheticDataset({ kind: 'cable', size: 64, train: 96, test: 1 })
    const { manifest, remarks } = await job({ passes: 1 }, { samples: train })
    expect(manifest.training.copies).toBeUndefined()
    expect(manifest.calibration.guaranteed).toBe(true)
    expect(remarks).toEqual([])
  })

  it('are said, as are images of other shapes and grey ones among coloured', async () => {
    const grey = ({ data, ...image }: RgbImage): RgbImage => ({ ...image, data: data.map((_, i) => data[i - (i % 3)]!) }) // prettier-ignore
    const wide = ({ height }: RgbImage): RgbImage => ({ width: 4 * height, height, data: new Uint8Array(12 * height * height).map((_, i) => (i * 7) % 251) }) // prettier-ignore
    const [a, b, ...rest] = different.train as [Sample, Sample, ...Sample[]]
    const samples = [
      ...rest.slice(0, 10),
      { ...a, load: async () => grey(await a.load()) },
      { ...b, load: async () => wide(await b.load()) },
    ]
    const { remarks } = await job({ passes: 1 }, { samples })
    expect(remarks.join('\n')).toMatch(/grey, where most are in colour/)
    expect(remarks.join('\n')).toMatch(/another shape than most/)
  })
})

it('a detector that calls most good images anomalous is asked for its images', async () => {
  const { model } = await job({ passes: 1 })
  const foreign = syntheticDataset({ kind: 'mesh', size: 64, train: 1, test: 18 })
  const { remarks } = await evaluate({ model, samples: foreign.test, runtime })
  expect(remarks?.join()).toMatch(/good images are called anomalous: are they of what/)
})

import { manifestKey, parseManifest } from '@cflow/core'
import { syntheticDataset, type Dataset } from '@cflow/datasets'
import { explain, loadDetector } from '@cflow/detector'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { readMetadata } from '@cflow/graph'
import { resolveConfig, type MethodName, type TrainOptions } from '@cflow/methods'
import { chooseExamples } from '@cflow/report'
import { renderReport } from '@cflow/report/node'
import { openRuntime } from '@cflow/runtimes'
import { describe, expect, it } from 'vitest'
import { decodeCheckpoint, evaluate, fit, judge, type CheckpointStore } from './index.node.js'
import type { FitOptions } from './fit.js'

const runtime = await openRuntime({ threads: 1 })
const weights = await loadEncoderWeights('efficientnet-lite0')
const dataset = syntheticDataset({ kind: 'mesh', size: 128, train: 20, test: 12 })

function job(
  method: MethodName,
  settings: TrainOptions,
  more: Partial<FitOptions> & { readonly from?: Dataset } = {},
) {
  const config = resolveConfig({ inputSize: 128, folds: 0, ...settings, method })
  const spec = encoderSpec(config.encoder)
  const encoder = encoderModel(spec, weights, config.poolLayers, config.inputSize)
  const samples = (more.from ?? dataset).train
  return fit({ samples, category: 'mesh', config, encoder, runtime, ...more })
}

describe.each([
  ['padim', {}, 0.9],
  ['dfr', { miniBatch: 256 }, 0.9],
  ['differnet', { passes: 10, rotation: 3, miniBatch: 16 }, 0.75],
  ['spade', { neighbours: 5 }, 0.7],
  ['patchcore', {}, 0.9],
] as const)('%s', (method, settings, least) => {
  it('finds the defects of the built-in set, in a file that loads like any detector', async () => {
    const { model, manifest, history } = await job(method, settings)
    expect(parseManifest(readMetadata(model))).toEqual(manifest)
    expect(Object.keys(readMetadata(model))).toEqual([manifestKey])
    expect(manifest).toMatchObject({ method, calibration: { source: 'held-out' } })
    if (history.length > 0) expect(history.at(-1)!.losses[0]).toBeLessThan(history[0]!.losses[0]!)

    const judged = await evaluate({ model, samples: dataset.test, runtime })
    expect(judged.evaluation.image.auroc).toBeGreaterThan(least)
    expect(judged.evaluation.pixel!.auroc).toBeGreaterThan(least)

    const detector = await loadDetector(model)
    const images = await Promise.all(dataset.test.slice(0, 3).map((s) => s.load()))
    const together = await detector.detectBatch(images)
    for (const [i, image] of images.entries()) {
      const detection = await detector.detect(image)
      const { score, anomalyMap, contributions } = detection
      expect(score).toBeCloseTo(judged.scores[i]!.score, 4)
      expect(Math.abs(together[i]!.score - score)).toBeLessThan(1e-3 * score)
      // the scores of SPADE and PatchCore are no numbers of their maps
      if (method !== 'spade' && method !== 'patchcore')
        expect(Math.abs(Math.max(...anomalyMap.data) - score)).toBeLessThan(1e-3 * score)
      expect(contributions).toEqual([])
      expect(explain(detection)).not.toMatch(/scale/)
    }
    await detector.release()
  })
})

it.each(['padim', 'dfr', 'spade', 'patchcore'] as const)(
  '%s gives the same file for the same seed, another for another',
  async (method) => {
    const from = syntheticDataset({ kind: 'part', size: 64, train: 8, test: 0 })
    const small = { inputSize: 64, ...(method === 'dfr' && { passes: 1 }) }
    const make = async (seed: number) => (await job(method, { ...small, seed }, { from })).model
    const [a, b, c] = [await make(0), await make(0), await make(1)]
    expect(Buffer.compare(a, b)).toBe(0)
    expect(Buffer.compare(a, c)).not.toBe(0)
  },
)

it('SPADE keeps its gallery in the file, and has a report', async () => {
  const { model, manifest } = await job('spade', { neighbours: 5 })
  // 16 images of 16×16×40 + 8×8×112 + 4×4×192 numbers
  expect(model.length).toBeGreaterThan(16 * 4 * 20480)
  const judgement = await judge({ model, samples: dataset.test, runtime })
  expect(judgement.evaluation!.pixel!.auroc).toBeGreaterThan(0.85)
  const rest = { category: 'mesh', manifest, examples: [], history: [], modelBytes: model.length }
  const html = await renderReport({ ...judgement, ...rest })
  expect(html).toContain('SPADE (neighbours 5)')
  expect(html).toContain('model.onnx')
  expect(html).not.toContain('id="learning"')
})

it.each(['dfr', 'differnet'] as const)(
  '%s: resumed after an interruption it gives the same bytes',
  async (method) => {
    const from = syntheticDataset({ kind: 'part', size: 64, train: 8, test: 0 })
    const options = { inputSize: 64, passes: 3, miniBatch: 64 }
    let bytes: Uint8Array | undefined
    const checkpoints: CheckpointStore = {
      read: () => Promise.resolve(bytes),
      write: (next) => Promise.resolve(void (bytes = next)),
    }
    const whole = await job(method, options, { from })
    await job(method, options, { from, checkpoints, stopAfter: 1 })
    expect(decodeCheckpoint(bytes!).passes).toBe(1)
    const resumed = await job(method, options, { from, checkpoints, resume: true })
    expect(resumed.history.length).toBe(3)
    expect(Buffer.compare(resumed.model, whole.model)).toBe(0)
  },
)

it('PatchCore keeps its memory in the file, and no encoder that it does not use', async () => {
  const settings = { memory: 300 } as const
  const { model, manifest } = await job('patchcore', settings)
  expect(manifest.settings).toEqual({ memory: 300, joinedTaps: 2, averaging: 3, support: 9 })
  const smaller = await job('patchcore', { ...settings, joinedTaps: 1 })
  const all = await job('patchcore', { ...settings, joinedTaps: 3 })
  const [one, two, three] = [smaller.model.length, model.length, all.model.length]
  // 300 vectors of 40, 152 and 344 numbers, beside the layers up to the last tap
  expect(two - one).toBeGreaterThan(300 * 4 * 112)
  expect(three - two).toBeGreaterThan(300 * 4 * 192 + 1e6)
  const judgement = await judge({ model, samples: dataset.test, runtime })
  const rest = { category: 'mesh', manifest, examples: [], history: [], modelBytes: model.length }
  const html = await renderReport({ ...judgement, ...rest })
  expect(html).toContain('PatchCore (memory 300, joinedTaps 2, averaging 3, support 9)')
})

it('has a report without what is by scale', async () => {
  const { model, manifest } = await job('padim', { inputSize: 64, channels: 20 })
  const samples = dataset.test.slice(0, 6)
  const judgement = await judge({ model, samples, runtime })
  const rest = { category: 'mesh', manifest, examples: [], history: [], modelBytes: model.length }
  const html = await renderReport({ ...judgement, ...rest })
  expect(html).toContain('PaDiM (channels 20, regularisation 0.01)')
  expect(html).toContain('model.onnx')
  expect(html).not.toMatch(/coupling layer|joint score|id="learning"/)
  expect(chooseExamples(judgement.scores).length).toBeGreaterThan(0)
})

it('encodes the image at several sizes for DifferNet', async () => {
  const from = syntheticDataset({ kind: 'part', size: 64, train: 6, test: 0 })
  const { manifest, model } = await job('differnet', { imageScales: 3, passes: 1, rotation: 0 }, { from }) // prettier-ignore
  expect(manifest.settings).toMatchObject({ imageScales: 3, depth: 3 * 344 })
  const detector = await loadDetector(model)
  expect((await detector.detect(await from.train[0]!.load())).score).toBeGreaterThan(0)
  await detector.release()
})

it('guarantees no rate for frames of videos', async () => {
  const from = syntheticDataset({ kind: 'part', size: 64, train: 10, test: 0 })
  const videos = from.train.map((s, i) => ({ ...s, sequence: `clip ${i % 3}` }))
  const settings = { inputSize: 64, falsePositiveRate: 0.4 }
  const guaranteed = async (samples: Dataset['train']) =>
    (await job('padim', settings, { samples })).manifest.calibration.guaranteed
  expect(await guaranteed(from.train)).toBe(true)
  expect(await guaranteed(videos)).toBe(false)
})

it('refuses what makes no detector for the encoder, or for so many images, before any work', async () => {
  await expect(job('padim', { channels: 345 })).rejects.toMatchObject({ subject: 'channels' })
  await expect(job('padim', { inputSize: 1024, channels: 344 })).rejects.toThrow(/GB/)
  const unread = { ...dataset.train[0]!, load: () => Promise.reject(new Error('it was read')) }
  const many = new Array<Dataset['train'][number]>(1000).fill(unread)
  await expect(job('spade', { inputSize: 1024 }, { samples: many })).rejects.toThrow(
    /gallery of 800 .* 4\.2 GB/,
  )
  const large = { memory: 1e7, candidates: 1e7, coreset: 1, inputSize: 1024 }
  await expect(job('patchcore', large, { samples: many })).rejects.toMatchObject({
    subject: 'memory',
  })
  await expect(job('dfr', {}, { samples: dataset.train.slice(0, 2) })).rejects.toMatchObject({
    code: 'TOO_FEW_IMAGES',
  })
})

it('stops when asked to', async () => {
  const controller = new AbortController()
  const stopped = job(
    'dfr',
    { inputSize: 64, passes: 1000 },
    {
      signal: controller.signal,
      onProgress: ({ stage }) => {
        if (stage === 'train') controller.abort(new Error('enough'))
      },
    },
  )
  await expect(stopped).rejects.toThrow('enough')
})

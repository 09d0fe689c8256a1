import { anomalyMap, detectorNames, statisticsOf } from '@cflow/core'
import { resizeMaskNearest, syntheticDataset } from '@cflow/datasets'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { resolveConfig } from '@cflow/methods'
import { PixelMetrics, auroc, type EpochEvaluation, type Evaluation } from '@cflow/metrics'
import { openRuntime } from '@cflow/runtimes'
import { tensor } from '@cflow/base'
import { describe, expect, it } from 'vitest'
import { epochEvaluations, evaluate, evaluatePaper, fit } from './index.node.js'

const runtime = await openRuntime()
const dataset = syntheticDataset({ kind: 'cable', size: 64, train: 8, test: 9 })
const config = resolveConfig({
  ...{ inputSize: 64, passes: 2, couplingLayers: 2, folds: 0 },
  ...{ neighbourhoods: '1', remembered: 0, aggregation: 'calibrated', scoreShare: 0 },
})
const weights = await loadEncoderWeights(config.encoder)
const encoder = encoderModel(encoderSpec(config.encoder), weights, 3, 64)
const seen: EpochEvaluation[] = []
const epochs = epochEvaluations({
  samples: dataset.test,
  runtime,
  passes: config.passes,
  onEvaluation: (epoch) => seen.push(epoch),
})
const fitted = await fit({
  samples: dataset.train,
  category: 'cable',
  config,
  encoder,
  runtime,
  epochs,
})
const depths = encoder.taps.map((t) => t.channels)
const options = { model: fitted.model, inputSize: 64, depths, samples: dataset.test, runtime }

describe('the paper’s protocol', () => {
  it('normalises by the maximum of the whole test set', async () => {
    const session = await runtime.createSession(fitted.model)
    const parts = depths.map((): number[][] => [])
    const pixels = new PixelMetrics()
    const masks: Uint8Array[] = []
    for (const sample of dataset.test) {
      const image = await sample.load()
      const feeds = { image: tensor('uint8', [1, image.height, image.width, 3], image.data) }
      const got = await session.run(feeds)
      parts.forEach((p, k) => p.push(Array.from(got[detectorNames.logLikelihood(k)]!.data, Number)))
      const mask = await sample.loadMask?.()
      masks.push(mask ? resizeMaskNearest(mask, 64, 64).data : new Uint8Array(64 * 64))
    }
    await session.release()
    const images = parts.map((p) => p.map((l) => Float64Array.from(l)))
    const statistics = images.map((own, k) => statisticsOf(encoder.taps[k]!.channels, own))
    const summed = masks.map((_, i) =>
      anomalyMap(
        'paper',
        statistics,
        encoder.taps.map(({ height, width }, k) => ({ height, width, data: images[k]![i]! })),
        64,
      ),
    )
    const min = Math.min(...summed.map((map) => Math.min(...map)))
    const maps = summed.map((map) => Float32Array.from(map, (v) => v - min))
    const scores = maps.map((map) => Math.max(...map))
    masks.forEach((m, i) => pixels.add(maps[i]!, m, 64, 64))
    const labels = dataset.test.map((s) => s.label === 'anomalous')

    const { evaluation, scores: got } = await evaluatePaper(options)
    expect(evaluation.protocol).toBe('paper')
    got.forEach((s, i) => expect(s.score).toBeCloseTo(scores[i]!, 5))
    expect(evaluation.image.auroc).toBeCloseTo(auroc(scores, labels), 12)
    expect(evaluation.pixel!.auroc).toBeCloseTo(pixels.auroc(), 6)
    expect(evaluation.pixel!.aupro).toBeCloseTo(pixels.aupro(0.3, { protocol: 'cflow-ad' }), 4)
    expect(evaluation.operatingPoint).toBeUndefined()
  })

  it('gives an image another score in other company, which strict scores never do', async () => {
    const last = dataset.test.slice(-1)
    const paper = async (samples: typeof last) =>
      (await evaluatePaper({ ...options, samples })).scores.at(-1)!.score
    expect(Math.abs((await paper(last)) - (await paper([...dataset.test])))).toBeGreaterThan(1e-3)
    const { model } = fitted
    const strict = async (samples: typeof last) =>
      (await evaluate({ model, samples, runtime })).scores.at(-1)!.score
    expect(await strict(last)).toBeCloseTo(await strict([...dataset.test]), 5)
  })

  it('looks at the flows after every epoch', async () => {
    expect(seen.map((s) => s.pass)).toEqual([1, 2])
    const { evaluation } = await evaluatePaper(options)
    const rates = ({ image, pixel }: Evaluation) => [image.auroc, pixel!.auroc, pixel!.aupro]
    rates(evaluation).forEach((r, i) => expect(rates(seen[1]!.evaluation)[i]).toBeCloseTo(r, 6))
  })
})

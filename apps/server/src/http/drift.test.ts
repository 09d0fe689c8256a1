import { Random, type RgbImage } from '@cflow/base'
import { pValue } from '@cflow/core'
import { syntheticDataset } from '@cflow/datasets'
import { loadDetector } from '@cflow/detector'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { resolveConfig } from '@cflow/methods'
import { openRuntime } from '@cflow/runtimes'
import { fit } from '@cflow/trainer'
import { EventEmitter } from 'node:events'
import { expect, it } from 'vitest'
import { summaryOf } from '../summary.js'
import type { DriftEvent, ServerEvents } from './context.js'
import { shiftsOf } from './detectors.js'
import { watchDrift } from './drift.js'
import { createMetrics } from './metrics.js'

/** A watch, and the events it raises. */
function watching() {
  const events = new EventEmitter<ServerEvents>()
  const heard: DriftEvent[] = []
  events.on('drift', (event) => heard.push(event))
  return { heard, drift: watchDrift(events, createMetrics()) }
}
const verdict = (detector: string, p: number) =>
  ({ at: 0, detector, version: 1, requestId: '', score: 1, threshold: 2, anomalous: false, pValue: p }) as const // prettier-ignore

it('raises fewer events than it says on good images, and one for a shift of one scale', () => {
  const random = Random.seeded(7)
  // skewed, as likelihoods are, and alike over the scales of an image
  const image = () => {
    const common = Math.log(random.next())
    const scales = [0, 1, 2].map(() => 0.6 * common + 0.8 * Math.log(random.next()))
    return { scales, score: -scales.reduce((a, b) => a + b) }
  }
  const { drift, heard } = watching()
  const lines = 300
  const windows = 4
  const judged = (
    line: number,
    { calibration, shift }: { calibration: readonly ReturnType<typeof image>[]; shift: number },
  ) => {
    // prettier-ignore
    const { scales, score } = image()
    const scores = calibration.map((c) => c.score)
    const means = scales.map((_, k) => calibration.reduce((sum, c) => sum + c.scales[k]!, 0) / calibration.length) // prettier-ignore
    const shifts = scales.map((value, k) => (value - means[k]!) / 2 - (k === 1 ? shift : 0))
    drift.add(verdict(`line ${line}`, pValue(scores, score)), calibration.length, shifts)
  }
  const calibrations = Array.from({ length: lines }, (_, line) =>
    Array.from({ length: [12, 24, 60][line % 3]! }, image),
  )
  for (const [line, calibration] of calibrations.entries())
    for (let i = 0; i < 256 * windows; i++) judged(line, { calibration, shift: 0 })
  const raised = heard.filter((event) => event.drifting).length
  expect(raised / (lines * windows)).toBeLessThan(0.01)
  // half a position's deviation more, of one scale of three: said once, and of the right one
  heard.length = 0
  for (const [line, calibration] of calibrations.slice(0, 30).entries())
    for (let i = 0; i < 256; i++) judged(line, { calibration, shift: 1.5 })
  const said = new Set(heard.filter((event) => event.drifting).map((event) => event.detector))
  expect(said.size).toBeGreaterThan(20)
  for (const { scales } of heard)
    expect(scales[1]!.pValue).toBe(Math.min(...scales.map((scale) => scale.pValue)))
  for (const name of said) expect(heard.filter((event) => event.detector === name)).toHaveLength(1)
  // and over once, when images are good again
  heard.length = 0
  for (const [line, calibration] of calibrations.slice(0, 30).entries())
    for (let i = 0; i < 512; i++) judged(line, { calibration, shift: 0 })
  const ends = [...said].map((name) => heard.filter((event) => event.detector === name))
  for (const events of ends) expect(events.map((event) => event.drifting)).toEqual([false].slice(0, events.length)) // prettier-ignore
  // where calibration was unlucky it may take longer
  expect(ends.flat().length).toBeGreaterThan(0.7 * said.size)
})

it('tells photographs that became a fifth brighter from others of the same kind', async () => {
  const config = resolveConfig({ recipe: 'whitened', inputSize: 64, heldOut: 0.4, folds: 0 })
  const images = (seed: number, train: number) =>
    syntheticDataset({ kind: 'mesh', size: 64, train, test: 0, seed }).train
  const spec = encoderSpec(config.encoder)
  const { model } = await fit({
    ...{ samples: images(0, 60), category: 'mesh', config, runtime: await openRuntime({}) },
    encoder: encoderModel(spec, await loadEncoderWeights(spec.name), config.poolLayers, config.inputSize), // prettier-ignore
  })
  const detector = await loadDetector(model)
  const summary = summaryOf(detector.manifest)
  const { scores } = detector.manifest.calibration
  const { drift, heard } = watching()
  const send = async (seed: number, change: (image: RgbImage) => RgbImage) => {
    const loaded = await Promise.all(images(seed, 256).map((sample) => sample.load()))
    const found = await detector.detectBatch(loaded.map(change), {
      batchSize: 8,
      parts: { contributions: false, likelihoods: true },
    })
    for (const { score, likelihoods } of found)
      drift.add(verdict('mesh', pValue(scores, score)), scores.length, shiftsOf({ summary }, likelihoods)) // prettier-ignore
  }
  await send(1, (image) => image)
  expect(heard).toEqual([])
  await send(2, (image) => ({ ...image, data: image.data.map((v) => Math.min(255, 1.2 * v)) }))
  await detector.release()
  expect(heard.map((event) => event.drifting)).toEqual([true])
  expect(heard[0]!.scales.length).toBeGreaterThan(1)
})

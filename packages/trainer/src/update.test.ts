import { imageTensor } from '@cflow/base'
import { detectorNames, readDetectorParts, detectorStages } from '@cflow/core'
import { rotateNearest, syntheticDataset, type Sample } from '@cflow/datasets'
import { loadDetector } from '@cflow/detector'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { resolveConfig, type MethodName } from '@cflow/methods'
import { openRuntime } from '@cflow/runtimes'
import { describe, expect, it } from 'vitest'
import { fit, updateDetector } from './index.node.js'

const runtime = await openRuntime({ threads: 1 })
const weights = await loadEncoderWeights('efficientnet-lite0')
const set = syntheticDataset({ kind: 'mesh', size: 64, train: 40, test: 40 })
const [train, others] = [set.train.slice(0, 28), set.train.slice(28)]
const good = set.test.filter((s) => s.label === 'good')
const defective = set.test.filter((s) => s.label !== 'good')

const changes = {
  brighter: (image) => ({ ...image, data: image.data.map((v) => Math.min(255, v * 1.35)) }),
  turned: (image) => rotateNearest(image, 8),
} satisfies Record<string, (image: Awaited<ReturnType<Sample['load']>>) => typeof image>

const changed = (samples: readonly Sample[], by: keyof typeof changes): Sample[] =>
  samples.map((s) => ({ ...s, load: async () => changes[by](await s.load()) }))

function trained(method: MethodName, settings: object = {}) {
  const config = resolveConfig({ method, inputSize: 64, ...settings })
  const spec = encoderSpec(config.encoder)
  const encoder = encoderModel(spec, weights, config.poolLayers, config.inputSize)
  return fit({ samples: train, category: 'mesh', config, encoder, runtime })
}

async function scoresOf(model: Uint8Array, samples: readonly Sample[]): Promise<number[]> {
  const detector = await loadDetector(model, { runtime })
  const images = await Promise.all(samples.map((s) => s.load()))
  const scores = (await detector.detectBatch(images)).map((d) => d.score)
  await detector.release()
  return scores
}

const share = (scores: readonly number[], limit: number) =>
  scores.filter((s) => s > limit).length / scores.length
const chance = (low: readonly number[], high: readonly number[]) =>
  high.flatMap((h) => low.map((l) => Number(h > l))).reduce((a, b) => a + b) / low.length / high.length // prettier-ignore

const { model, manifest } = await trained('cflow', { passes: 1, couplingLayers: 2, folds: 3 })

describe('a detector that takes good images up', { timeout: 240_000 }, () => {
  it.each(['brighter', 'turned'] as const)(
    '%s: what were alarms are none, old good images stay good, and defects are found',
    async (by) => {
      const updated = await updateDetector({ model, samples: changed(others, by), runtime })
      const [limit, next] = [updated.threshold.before, updated.threshold.after]
      const fresh = changed(good, by)
      expect(share(await scoresOf(model, fresh), limit)).toBeGreaterThan(0.5)
      expect(share(await scoresOf(updated.model, fresh), next)).toBeLessThanOrEqual(0.1)
      // no score of an image that was usual has grown
      const [before, after] = [await scoresOf(model, good), await scoresOf(updated.model, good)]
      before.forEach((s, i) => expect(after[i]!).toBeLessThanOrEqual(s + 1e-3))
      expect(share(after, next)).toBeLessThanOrEqual(share(before, limit) + 0.05)
      const [found, finds] = [await scoresOf(model, defective), await scoresOf(updated.model, defective)] // prettier-ignore
      expect(chance(after, finds)).toBeGreaterThan(chance(before, found) - 0.05)
      expect(chance(await scoresOf(updated.model, fresh), await scoresOf(updated.model, changed(defective, by)))).toBeGreaterThan(0.7) // prettier-ignore
    },
  )

  it('says what changed, and keeps its history, also over several updates', async () => {
    const samples = changed(others.slice(0, 5), 'brighter')
    const once = await updateDetector({ model, samples, runtime, date: '2026-01-31' })
    const again = await updateDetector({ model, samples, runtime, date: '2026-01-31' })
    expect(Buffer.compare(Buffer.from(once.model), Buffer.from(again.model))).toBe(0)
    const { images, threshold, above } = once
    const scores = await scoresOf(once.model, samples)
    images.forEach(({ before, after, unseen }, i) => {
      expect(after).toBeCloseTo(scores[i]!, 3)
      expect(after).toBeLessThanOrEqual(unseen + 1e-3)
      expect(unseen).toBeLessThanOrEqual(before + 1e-3)
    })
    expect(above.after).toBeLessThanOrEqual(above.before)
    const own = once.manifest
    expect(own.history).toEqual([{ date: '2026-01-31', images: 5, digest: own.history![0]!.digest, threshold }]) // prettier-ignore
    expect(own.training).toEqual({ ...manifest.training, digests: expect.anything() as unknown })
    expect(own.training.digests).toHaveLength(manifest.training.digests!.length + 5)
    expect(own.calibration.scores).toHaveLength(manifest.calibration.scores.length + 5)
    expect(own.calibration.guaranteed).toBe(false)
    expect(own.memory!.vectors).toBeGreaterThan(manifest.memory!.vectors)

    const turned = changed(others.slice(5, 6), 'turned')
    const twice = await updateDetector({ model: once.model, samples: turned, runtime })
    expect(twice.manifest.history).toHaveLength(2)
    expect(twice.manifest.history![1]).not.toHaveProperty('date')
    const [score] = await scoresOf(twice.model, turned)
    expect(score).toBeLessThan((await scoresOf(once.model, turned))[0]!)
    expect(detectorStages(twice.model).map((s) => s.name)).toEqual(['preprocessing', 'encoder', 'flows', 'score']) // prettier-ignore
  })

  it('leaves all as it is where nothing is unusual', async () => {
    const parts = readDetectorParts(model)
    const session = await runtime.createSession(model)
    const image = { image: imageTensor(await train[0]!.load()) }
    const got = await session.run(image)
    await session.release()
    const names = Object.keys(got).filter((n) => n.startsWith('log_likelihood'))
    expect(names).toHaveLength(parts.manifest.scales.length)
    const { model: same } = await updateDetector({ model, samples: train.slice(0, 1), runtime })
    const updated = await runtime.createSession(same)
    const now = await updated.run(image)
    await updated.release()
    const [a, b] = [got, now].map((g) => g[detectorNames.score]!.data[0] as number)
    expect(b).toBeLessThanOrEqual(a! + 1e-3)
  })

  it.each(['patchcore', 'spade'] as const)('%s grows its memory', async (method) => {
    const { model, manifest } = await trained(method, { folds: 0 })
    const samples = changed(others, 'brighter')
    const updated = await updateDetector({ model, samples, runtime })
    const fresh = changed(good, 'brighter')
    const limit = manifest.calibration.threshold
    expect(share(await scoresOf(updated.model, fresh), updated.threshold.after)).toBeLessThan(share(await scoresOf(model, fresh), limit)) // prettier-ignore
    expect(share(await scoresOf(updated.model, good), updated.threshold.after)).toBeLessThanOrEqual(share(await scoresOf(model, good), limit) + 0.05) // prettier-ignore
  })

  it('refuses what has no memory, and no images', async () => {
    const refused = (model: Uint8Array, samples: readonly Sample[], error: object) =>
      expect(updateDetector({ model, samples, runtime })).rejects.toMatchObject(error)
    const padim = await trained('padim', { folds: 0 })
    await refused(padim.model, others, { code: 'USAGE', subject: 'method' })
    await refused(model, [], { code: 'EMPTY' })
    const none = await trained('cflow', { remembered: 0, passes: 0, poolLayers: 1, couplingLayers: 1, folds: 0 }) // prettier-ignore
    await refused(none.model, others, { code: 'USAGE', subject: 'remembered' })
  })
})

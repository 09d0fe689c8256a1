import { syntheticDataset, type Sample } from '@cflow/datasets'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { resolveConfig, type TrainOptions } from '@cflow/methods'
import { openRuntime } from '@cflow/runtimes'
import { describe, expect, it } from 'vitest'
import { evaluate, fit, rankSuspicious, suspicionText } from './index.node.js'

const runtime = await openRuntime({ threads: 1 })
const weights = await loadEncoderWeights('efficientnet-lite0')
const encoder = encoderModel(encoderSpec('efficientnet-lite0'), weights, 3, 128)
const set = syntheticDataset({ kind: 'mesh', size: 128, train: 27, test: 30 })
const all = set.test.filter((s) => s.label === 'anomalous')
const defective = all.slice(0, 3)
/** A tenth is defective, in places all over the set. */
const mixed: readonly Sample[] = [...set.train.slice(0, 4), defective[0]!, ...set.train.slice(4, 13), defective[1]!, ...set.train.slice(13), defective[2]!] // prettier-ignore
const isBad = (id: string) => defective.some((s) => s.id === id)

const train = (samples: readonly Sample[], options: TrainOptions<'cflow'>) => {
  const config = resolveConfig({ inputSize: 128, passes: 1, couplingLayers: 1, folds: 0, ...options }) // prettier-ignore
  return fit({ samples, category: 'mesh', config, encoder, runtime })
}

describe('images that fit the others badly', { timeout: 240_000 }, () => {
  it('are ranked by it, with the place and the scale', async () => {
    // one of them is there twice, far from the other: it must not vouch for it
    const samples = [...mixed, { ...defective[0]!, id: 'again' }]
    const ranked = await rankSuspicious({ samples, encoder, runtime })
    expect(ranked.map(({ index }) => index).sort((a, b) => a - b)).toEqual([...samples.keys()])
    const worse = ranked.slice(0, 4).map(({ id }) => id)
    expect(worse.filter((id) => isBad(id)).length).toBeGreaterThanOrEqual(2)
    expect(worse).toContain('again')
    expect(worse).toContain(defective[0]!.id)
    const [worst] = ranked
    expect(worst!.standsOut).toBe(true)
    expect(suspicionText(worst!)).toMatch(/deviations from the others, most at x \d+, y \d+/)
    // near the defect
    const sample = samples[worst!.index]!
    const { width, data } = await sample.loadMask!()
    const far = Array.from(data).flatMap((v, i) =>
      v ? [Math.hypot((i % width) - worst!.at.x, Math.floor(i / width) - worst!.at.y)] : [],
    )
    expect(Math.min(...far)).toBeLessThan(20)
  })

  it('are few among good ones', async () => {
    const ranked = await rankSuspicious({ samples: set.train, encoder, runtime })
    expect(ranked.filter((s) => s.standsOut).length).toBeLessThanOrEqual(2)
  })

  it('are left out of a training that is asked to, at most so many, and it is the better for it', async () => {
    const kept = await train(mixed, {})
    const without = await train(mixed, { dropSuspicious: 0.15 })
    const { dropped } = without
    expect(kept.dropped).toEqual([])
    expect(kept.manifest.training).not.toHaveProperty('dropped')
    expect(dropped.length).toBeGreaterThan(0)
    expect(dropped.length).toBeLessThanOrEqual(4)
    expect(dropped.filter(({ id }) => isBad(id)).length).toBeGreaterThan(dropped.length / 2)
    expect(without.manifest.training.dropped).toBe(dropped.length)
    expect((await train(mixed, { dropSuspicious: 0.04 })).dropped.length).toBeLessThanOrEqual(1)
    const samples = set.test.filter(({ id }) => !isBad(id))
    const auroc = async (model: Uint8Array) =>
      (await evaluate({ model, samples, runtime })).evaluation.pixel!.auroc
    expect(await auroc(without.model)).toBeGreaterThan((await auroc(kept.model)) - 0.005)
  })
})

import { Random, floats } from '@cflow/base'
import {
  differnetFlow,
  differnetHead,
  differnetTrainingStep,
  initialDiffernet,
  pooledTaps,
  pyramidTaps,
  standardise,
} from '@cflow/methods'
import type { PassRecord } from '../evaluation.js'
import { now, stageProgress } from '../progress.js'
import type { DiffernetConfig } from './config.js'
import type { FileMethod, Job } from './job.js'
import { gatherMoments } from './moments.js'
import { optimiser } from './optimiser.js'

/** DifferNet: a flow on features averaged over the whole image. */
export const differnet: FileMethod<DiffernetConfig> = {
  levels: (config) => config.imageScales,
  rotation: (config) => config.rotation,
  featureLength: () => Infinity, // the few numbers of an image are kept here
  view: (config) => (pixels, encoder) => [
    pooledTaps(pyramidTaps(pixels, encoder, config.imageScales)),
  ],
  check: () => undefined,
  async learn(job) {
    const { config, runtime, clock, signal } = job
    const vectors = await clock.timed('encode', () => views(job))
    const depth = (vectors[0] as Float32Array).length
    const { mean, deviation } = standardise(
      await gatherMoments(runtime, depth, 1, streamed(vectors)),
    )
    const scaling = { mean, deviation }
    const random = Random.seeded(config.seed, 'differnet')
    const { couplingLayers, hiddenLayers, hiddenUnits, learningRate } = config
    const flow = differnetFlow({ depth, couplingLayers, hiddenLayers, hiddenUnits }, random)
    const rows = Math.min(config.miniBatch, vectors.length)
    const trainer = await optimiser(
      runtime,
      differnetTrainingStep(flow, scaling, rows),
      initialDiffernet(flow, random),
    )
    const history: PassRecord[] = []
    const report = stageProgress('train', config.passes, job)
    const batch = new Float32Array(rows * depth)
    await clock.timed('train', async () => {
      for (let pass = 0; pass < config.passes; pass++) {
        const began = now()
        const order = Random.seeded(config.seed, `differnet pass ${pass}`).permutation(
          vectors.length,
        )
        let sum = 0
        let steps = 0
        for (let from = 0; from + rows <= order.length; from += rows, steps++) {
          signal?.throwIfAborted()
          for (let r = 0; r < rows; r++)
            batch.set(vectors[order[from + r] as number] as Float32Array, r * depth)
          const features = floats('float32', [rows, depth], batch)
          sum += await trainer.step({ features }, learningRate)
        }
        const losses = [sum / steps]
        history.push({ pass: pass + 1, losses, learningRate, seconds: (now() - began) / 1000 })
        report(pass + 1, losses)
      }
    })
    const parameters = await trainer.parameters()
    await trainer.release()
    const { imageScales, rotation } = config
    return {
      head: differnetHead({ flow, scaling, parameters }),
      settings: { couplingLayers, hiddenLayers, hiddenUnits, imageScales, rotation, depth },
      history,
    }
  },
}

/** Features of all views of all images. */
async function views(job: Job<DiffernetConfig>): Promise<readonly Float32Array[]> {
  const { config, images, training } = job
  const count = config.rotation > 0 ? config.views : 1
  const report = stageProgress('encode', training.length * count, job)
  const vectors: Float32Array[] = []
  for (let view = 0; view < count; view++)
    for await (const [vector] of images.features(
      training,
      Random.seeded(config.seed, `differnet view ${view}`),
    )) {
      report(vectors.push(vector as Float32Array))
    }
  return vectors
}

async function* streamed<T>(items: readonly T[]): AsyncGenerator<T> {
  for (const item of items) yield await Promise.resolve(item)
}

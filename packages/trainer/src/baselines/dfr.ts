import { Random, floats } from '@cflow/base'
import {
  componentsFor,
  dfrHead,
  dfrRows,
  dfrTrainingStep,
  eigenvalues,
  initialAutoencoder,
  joinedShape,
  standardise,
} from '@cflow/methods'
import { encodePixels } from '@cflow/core'
import type { PassRecord } from '../evaluation.js'
import { counted } from '../good-images.js'
import { now, stageProgress } from '../progress.js'
import { permutedSelections } from '../sampling.js'
import type { DfrConfig } from './config.js'
import type { FileMethod, Job } from './job.js'
import { gatherMoments } from './moments.js'
import { optimiser } from './optimiser.js'
import type { Optimiser } from './optimiser.js'

/** Images whose vectors are mixed. */
const chunkImages = 32

async function* firsts(
  items: AsyncIterable<readonly Float32Array[]>,
): AsyncGenerator<Float32Array> {
  for await (const [rows] of items) yield rows as Float32Array
}

/** DFR: an autoencoder on the joined taps, its bottleneck as wide as principal components say. */
export const dfr: FileMethod<DfrConfig> = {
  levels: () => 1,
  rotation: () => 0,
  featureLength(model) {
    const { depth, height, width } = joinedShape(model.scales)
    return depth * height * width
  },
  view: () => (pixels, encoder) => [dfrRows(encodePixels(pixels, encoder))],
  check: () => undefined,
  async learn(job) {
    const { config, model, runtime, images, training, clock } = job
    const { depth, height, width } = joinedShape(model.scales)
    const area = height * width
    const sums = await clock.timed('encode', () => {
      const report = stageProgress('encode', training.length, job)
      return gatherMoments(runtime, depth, area, firsts(counted(images.features(training), report)))
    })
    const { correlation, ...scaling } = standardise(sums)
    const latent = await clock.timed('whiten', () =>
      Promise.resolve(componentsFor(eigenvalues(correlation, depth), config.variance)),
    )
    const net = { depth, latent }
    const rows = Math.min(config.miniBatch, Math.min(chunkImages, training.length) * area)
    const trainer = await optimiser(
      runtime,
      dfrTrainingStep(net, scaling, rows),
      initialAutoencoder(net, Random.seeded(config.seed, 'dfr')),
    )
    const history: PassRecord[] = []
    const report = stageProgress('train', config.passes, job)
    for (let pass = 0; pass < config.passes; pass++) {
      const began = now()
      const loss = await clock.timed('train', () => onePass(job, trainer, rows, area, depth, pass, report)) // prettier-ignore
      const { learningRate } = config
      history.push({
        pass: pass + 1,
        losses: [loss],
        learningRate,
        seconds: (now() - began) / 1000,
      })
    }
    const parameters = await trainer.parameters()
    await trainer.release()
    return {
      head: dfrHead({ net, scaling, parameters }),
      settings: { latent, variance: config.variance },
      history,
    }
  },
}

/** One pass in mini-batches of permuted vectors. @returns the mean loss */
async function onePass(
  { config, images, training, signal }: Job<DfrConfig>,
  trainer: Optimiser,
  rows: number,
  area: number,
  depth: number,
  pass: number,
  report: (done: number, losses?: readonly number[]) => void,
): Promise<number> {
  const random = Random.seeded(config.seed, `dfr pass ${pass}`)
  const order = random.permutation(training.length)
  const batch = new Float32Array(rows * depth)
  let sum = 0
  let steps = 0
  for (let from = 0; from < order.length; from += chunkImages) {
    const chosen = Array.from(
      order.subarray(from, from + chunkImages),
      (i) => training[i] as number,
    )
    const chunk: Float32Array[] = []
    for await (const item of firsts(images.features(chosen))) chunk.push(item)
    const shape = { rows, positions: rows }
    for (const { image, position } of permutedSelections(shape, area, chunk.length, random)) {
      signal?.throwIfAborted()
      for (let r = 0; r < rows; r++) {
        const at = (position[r] as number) * depth
        batch.set((chunk[image[r] as number] as Float32Array).subarray(at, at + depth), r * depth)
      }
      const features = floats('float32', [rows, depth], batch)
      sum += await trainer.step({ features }, config.learningRate)
      steps++
    }
    report(pass + Math.min((from + chunkImages) / order.length, 1), [sum / Math.max(steps, 1)])
  }
  return sum / Math.max(steps, 1)
}

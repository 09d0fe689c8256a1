import { Random, floats } from '@cflow/base'
import { blur, encodePixels, type Head, type Transform } from '@cflow/core'
import {
  add,
  concat,
  constant,
  div,
  gradients,
  matMul,
  max,
  mul,
  reduceMax,
  reduceMean,
  reduceMin,
  reduceSum,
  reshape,
  resizeBilinear,
  scalar,
  split,
  square,
  sub,
  type Value,
} from '@cflow/graph'
import * as z from 'zod'
import { mapShape } from '../features.js'
import { gaussianSigma } from '../maps.js'
import { method, type Job } from '../method.js'
import { constantsOf, flattened } from '../parameters.js'
import {
  checkInputSize,
  commonDefaults,
  commonSettings,
  flowSettings,
  passSettings,
  settingsOf,
} from '../settings.js'
import { trainInPasses } from '../training/loop.js'
import { channelMoments, standardise, type Standardisation } from '../training/moments.js'
import { samplings } from '../training/sampling.js'
import { lossTrainer } from '../training/trainer.js'
import { differnetFlow, differnetLoss, negativeLogLikelihood } from './flow.js'

const own = settingsOf('differnet')
const settings = z.strictObject({
  ...commonSettings,
  ...passSettings,
  ...flowSettings,
  /** The authors: 3 hidden layers of 2,048. */
  hiddenLayers: own('N', 'hidden layers of a subnet', z.int().min(1).max(8)),
  hiddenUnits: own('N', 'width of a hidden layer', z.int().min(1).max(8192)),
  /** The input size and its halves (the authors: 3, of 448 pixels). */
  imageScales: own('N', 'sizes of the image, 1 to 4', z.int().min(1).max(4)),
  /** One, the image as it is, without rotation. */
  views: own('N', 'rotated versions of an image', z.int().min(1).max(1000)),
})
type Settings = z.infer<typeof settings>

/** DifferNet (Rudolph et al. 2021): a flow on features averaged over the whole image. */
export const differnet = method({
  name: 'differnet',
  title: 'DifferNet',
  settings,
  recipes: {
    default: {
      ...commonDefaults,
      couplingLayers: 8,
      hiddenLayers: 3,
      hiddenUnits: 128,
      imageScales: 1,
      rotation: 5,
      brightness: 0,
      views: 4,
      passes: 20,
      miniBatch: 96,
      learningRate: 2e-4,
    },
  },
  check: (config) => checkInputSize(config, config.imageScales),
  prepare: ({ rotation, brightness, imageScales }) => ({
    rotation,
    brightness,
    view: (pixels, encoder) => [pooledTaps(encodePixels(pixels, encoder, imageScales))],
  }),
  async learn(job) {
    const { config, runtime } = job
    const { couplingLayers, hiddenLayers, hiddenUnits, imageScales, rotation } = config
    const vectors = await job.timed('encode', () => views(job))
    const depth = (vectors[0] as Float32Array).length
    const moments = await channelMoments(runtime, depth, 1)
    for (const vector of vectors) await moments.add(vector)
    const scaling = standardise(await moments.finish())
    const random = Random.seeded(config.seed, 'differnet')
    const flow = differnetFlow({ depth, couplingLayers, hiddenLayers, hiddenUnits }, random)
    const sampling = samplings.permuted
    const shape = sampling.shape(1, config.miniBatch, vectors.length)
    const chunk = vectors.map((vector) => [vector])
    const learned = await trainInPasses(job, {
      trainers: [
        await lossTrainer(
          runtime,
          { depth, area: 1, shape, sampling },
          flow.shapes,
          flattened(flow.shapes, flow.initial(random, 'float32')),
          (rows, values) => differnetLoss(rows, flow, scaling, values),
        ),
      ],
      stream: 'differnet pass',
      plan: [vectors.length],
      async *chunks() {
        yield await Promise.resolve(chunk)
      },
      rate: () => config.learningRate,
      head: ([theta]) => differnetHead(flow, scaling, theta as Float32Array, imageScales),
    })
    const own = { couplingLayers, hiddenLayers, hiddenUnits, imageScales, rotation, depth }
    return { ...learned, manifest: { settings: own } }
  },
})

/** Features of all views of all images. */
async function views(job: Job<Settings>): Promise<readonly Float32Array[]> {
  const { config, features, training } = job
  const count = config.rotation > 0 || config.brightness > 0 ? config.views : 1
  const report = job.progress('encode', training.length * count)
  const vectors: Float32Array[] = []
  for (let view = 0; view < count; view++) {
    const random = Random.seeded(config.seed, `differnet view ${view}`)
    for await (const [vector] of features.of(training, random))
      report(vectors.push(vector as Float32Array))
  }
  return vectors
}

/** DifferNet's features: every tap averaged over its positions, one after the other, [N, ΣD]. */
const pooledTaps = (taps: readonly Value[]): Value =>
  concat(
    taps.map((tap) => reduceMean(tap, [2, 3])),
    1,
  )

/**
 * The score is the mean square of the latent vector, −2/D·log p_Z(z) up to a constant.
 *
 * The original localises by the gradient of the loss by the input image, through the whole encoder. Behind an average the
 * gradient is the same at every position, so the map here is what that gradient says of each position: the gradient of
 * −log p by the averaged channels (nodes of the same file), times how far the position's channels are from their mean
 * over the training images, summed over channels and taps (Grad-CAM with a baseline). It is blurred and stretched so
 * that it runs from 0 to the image's score.
 * @param parameters of the flow, in the order of its shapes @param levels sizes of the image
 */
export const differnetHead = (
  flow: Transform,
  scaling: Standardisation,
  parameters: Float32Array,
  levels: number,
): Head => ({
  levels,
  stage: 'flow',
  evidence(taps) {
    const values = constantsOf(flow.shapes, parameters)
    const pooled = pooledTaps(taps)
    const { latent, loss } = negativeLogLikelihood(pooled, flow, scaling, values)
    const [gradient] = gradients(reduceSum(loss, [0]), [pooled]) as [Value]
    return {
      score: reduceMean(square(latent), [1]),
      ...Object.fromEntries(
        attributions(taps, gradient, scaling.mean).map((v, k) => [`attribution${k}`, v]),
      ),
    }
  },
  verdict({ score, ...evidence }, size) {
    const sum = Object.values(evidence)
      .map((attribution) => resizeBilinear(attribution, size, size))
      .reduce(add)
    const map = stretched(blur(sum, gaussianSigma), size)
    return { map: mul(map, reshape(score as Value, [-1, 1, 1])), score: score as Value }
  },
})

/** Σ over channels of gradient·(feature − mean), [N, 1, h, w] of every tap. */
function attributions(taps: readonly Value[], gradient: Value, mean: Float32Array): Value[] {
  const shapes = taps.map(mapShape)
  const parts = split(
    gradient,
    shapes.map((s) => s.channels),
    1,
  )
  let from = 0
  return shapes.map(({ channels, height, width }, k) => {
    const centre = mean.slice(from, (from += channels))
    const positions = reshape(taps[k] as Value, [-1, channels, height * width])
    const away = sub(positions, constant(floats('float32', [1, channels, 1], centre)))
    const along = matMul(reshape(parts[k] as Value, [-1, 1, channels]), away)
    return reshape(along, [-1, 1, height, width])
  })
}

/** Each map from 0 to 1, [N, S, S]. */
function stretched(map: Value, size: number): Value {
  const flat = reshape(map, [-1, size, size])
  const low = reduceMin(flat, [1, 2], true)
  const range = max(sub(reduceMax(flat, [1, 2], true), low), scalar(1e-12))
  return div(sub(flat, low), range)
}

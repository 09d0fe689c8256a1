import { Random, floats, tensor } from '@cflow/base'
import { encodePixels, rowsOfMap, type Head, type Values } from '@cflow/core'
import { reduceMean, reshape, type Value } from '@cflow/graph'
import * as z from 'zod'
import { componentsFor, eigenvalues } from '../eigenvalues.js'
import { joinBilinear, joinedShape, mapShape, sizeOfMap } from '../features.js'
import { mapVerdict } from '../maps.js'
import { encodeAll, method, type Job } from '../method.js'
import { constantsOf } from '../parameters.js'
import { checkInputSize, commonDefaults, commonSettings, passSettings, settingsOf } from '../settings.js' // prettier-ignore
import { trainInPasses } from '../training/loop.js'
import { channelMoments, standardise, type Standardisation } from '../training/moments.js'
import { samplings } from '../training/sampling.js'
import { lossTrainer } from '../training/trainer.js'
import {
  autoencoderShapes,
  initialAutoencoder,
  reconstructionError,
  type Autoencoder,
} from './autoencoder.js'

const settings = z.strictObject({
  ...commonSettings,
  ...passSettings,
  /** The bottleneck's width is chosen for it by principal components (Shi et al. 2021, section 3.3). */
  variance: settingsOf('dfr')('SHARE', 'dfr: that the bottleneck keeps', z.number().gt(0).max(1)),
})

/** Images whose vectors are mixed. */
const chunkImages = 32

/** DFR (Shi et al. 2021): an autoencoder on the joined taps, its bottleneck as wide as principal components say. */
export const dfr = method({
  name: 'dfr',
  title: 'DFR',
  settings,
  recipes: {
    default: { ...commonDefaults, variance: 0.9, passes: 20, miniBatch: 1024, learningRate: 1e-3 },
  },
  check: (config) => checkInputSize(config),
  prepare: (_, { taps }) => ({
    view: (pixels, e) => [dfrRows(encodePixels(pixels, e))],
    kept: sizeOfMap(joinedShape(taps)),
  }),
  async learn(job) {
    const { config, encoder, runtime, training } = job
    const { channels, height, width } = joinedShape(encoder.taps)
    const { latent, scaling } = await statistics(job)
    const net = { depth: channels, latent }
    const area = height * width
    const count = training.length
    const plan = Array.from({ length: Math.ceil(count / chunkImages) }, (_, i) =>
      Math.min(chunkImages, count - i * chunkImages),
    )
    const sampling = samplings.permuted
    const shape = sampling.shape(area, config.miniBatch, plan[0] as number)
    const learned = await trainInPasses(job, {
      trainers: [
        await lossTrainer(
          runtime,
          { depth: channels, area, shape, sampling },
          autoencoderShapes(net),
          initialAutoencoder(net, Random.seeded(config.seed, 'dfr')),
          (rows, values) => dfrLoss(rows, scaling, values),
        ),
      ],
      stream: 'dfr pass',
      plan,
      rate: () => config.learningRate,
      head: ([theta]) => dfrHead({ net, scaling, parameters: theta as Float32Array }),
    })
    const { variance } = config
    return { ...learned, manifest: { settings: { latent, variance } } }
  },
})

/** Mean and deviation of every channel, and the width of the bottleneck. */
async function statistics(job: Job<z.infer<typeof settings>>) {
  const { encoder, runtime, config } = job
  const { channels, height, width } = joinedShape(encoder.taps)
  const { mean, deviation, latent } = await job.once('statistics', async () => {
    const pass = await channelMoments(runtime, channels, height * width)
    await encodeAll(job, ([rows]) => pass.add(rows as Float32Array))
    const found = standardise(await pass.finish())
    const width90 = await job.timed('whiten', () =>
      Promise.resolve(componentsFor(eigenvalues(found.correlation, channels), config.variance)),
    )
    return {
      mean: floats('float32', [channels], found.mean),
      deviation: floats('float32', [channels], found.deviation),
      latent: tensor('int32', [1], Int32Array.of(width90)),
    }
  })
  const scaling = {
    mean: mean?.data as Float32Array,
    deviation: deviation?.data as Float32Array,
  }
  return { latent: latent?.data[0] as number, scaling }
}

/** DFR's features: the taps joined bilinearly at the finest one's size, as rows [N·h·w, ΣD]. */
const dfrRows = (taps: readonly Value[]): Value => rowsOfMap(joinBilinear(taps))

/** Mean squared error of a mini-batch. */
export const dfrLoss = (rows: Value, scaling: Standardisation, values: Values): Value =>
  reduceMean(reconstructionError(rows, scaling, values), [0])

/** A trained autoencoder. */
export interface DfrModel {
  readonly net: Autoencoder
  readonly scaling: Standardisation
  /** All its parameters, in the order of `autoencoderShapes`. */
  readonly parameters: Float32Array
}

/** Reconstruction error of every position, bilinear to the image's size; the score is the map's maximum. */
export const dfrHead = ({ net, scaling, parameters }: DfrModel): Head => ({
  stage: 'autoencoder',
  evidence(taps) {
    const { height, width } = mapShape(taps[0] as Value)
    const values = constantsOf(autoencoderShapes(net), parameters)
    const error = reconstructionError(dfrRows(taps), scaling, values)
    return { error: reshape(error, [-1, height, width]) }
  },
  verdict: ({ error }, size) =>
    mapVerdict(error as Value, size, { corners: 'aligned', blurred: false }),
})

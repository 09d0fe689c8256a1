import { Random, floats } from '@cflow/base'
import {
  aggregationSchema,
  clampSchema,
  conditionSize,
  cosineLearningRate,
  couplingFormSchema,
  flowHead,
  initialiseFlow,
  paperLearningRate,
  permutationSchema,
  unflatten,
  widthLearningRate,
  type FlowConfig,
  type ScaleFlow,
  type Tap,
} from '@cflow/core'
import { neighbourhoodsPattern, withImageScales, withNeighbourhoods } from '@cflow/encoders'
import * as z from 'zod'
import { sizeOfMap } from '../features.js'
import { method } from '../method.js'
import {
  choice,
  commonDefaults,
  commonSettings,
  flowSettings,
  passSettings,
  settingsOf,
  toggle,
} from '../settings.js'
import { trainInPasses, type StepAt } from '../training/loop.js'
import { samplings } from '../training/sampling.js'
import type { Trainer } from '../training/trainer.js'
import { extendFlows } from './extend.js'
import { refitted } from './base.js'
import { flowTrainer } from './flow-trainer.js'
import { gaussianSigma } from '../maps.js'
import { rememberedScale, rememberedTaps } from './remembered.js'
import { estimateWhitenings, whitener } from './whitening.js'

/** The authors' aggregation takes its constants from the images that are judged, which a detector file cannot. */
const savedAggregation = aggregationSchema.exclude(['paper'], {
  error: ({ input }) =>
    input === 'paper'
      ? 'paper takes the largest likelihoods of a whole test set, which a detector file cannot: use calibrated, and --protocol paper to measure as the authors do'
      : undefined,
})

const flow = settingsOf('flow')
const settings = z.strictObject({
  ...commonSettings,
  ...passSettings,
  ...flowSettings,
  permutation: flow('NAME', 'between coupling layers', permutationSchema),
  clamp: flow('NAME', 'bound of a coupling layer’s scale', clampSchema),
  coupling: flow(
    'NAME',
    'coupling layers scale and shift, or only shift: additive ones are cheaper',
    couplingFormSchema,
  ),
  base: flow(
    'NAME',
    'the flows’ latent Gaussian: standard, or refitted to images that were not learned from where there are any',
    z.enum(['standard', 'refitted']),
  ),
  conditional: toggle('flow', 'flows see the position', {
    key: 'unconditional',
    help: 'flows do not see the position (UFLOW)',
  }),
  loss: settingsOf('training')('NAME', 'loss of the flows', z.enum(['logsigmoid', 'nll'])),
  shrinkage: flow('X', 'regularisation of the whitening', z.number().positive().max(10)),
  remembered: flow(
    'N',
    'feature vectors of good images that a further scale measures the distance to; 0 for none',
    z.int().min(0).max(1_000_000),
  ),
  neighbourhoods: flow(
    'SIDES',
    'positions a side that a scale’s features are averaged over, for every tap, finest first; `+` for scales side by side',
    z.string().regex(neighbourhoodsPattern),
  ),
  imageScales: settingsOf('encoder')(
    'N',
    'sizes at which the image is seen: whole, half, quarter …',
    z.int().min(1).max(4),
  ),
  aggregation: settingsOf('calibration')('NAME', 'of the scales', savedAggregation),
  scoreShare: settingsOf('calibration')(
    'SHARE',
    'of the map’s pixels whose mean is the score, 0 for the maximum',
    z.number().min(0).max(1),
  ),
  smoothing: settingsOf('calibration')(
    'PIXELS',
    'deviation of the Gaussian that the anomaly map is smoothed with, 0 for none',
    z.number().min(0).max(32),
  ),
  whitening: choice('whether the flows begin with a whitening of the features', z.boolean()),
  start: choice('of the coupling layers’ parameters', z.enum(['identity', 'random'])),
  sampling: choice('how mini-batches are drawn', z.enum(['grouped', 'permuted'])),
  schedule: choice('of the learning rate', z.enum(['cosine', 'paper'])),
  /** All that are kept in memory when absent. */
  imageBatch: choice('images whose vectors are mixed', z.int().min(1).optional()),
})
type Settings = z.infer<typeof settings>

/** Meta-epochs of the paper's schedule. */
const metaEpochs = 25

/** Passes of one of the meta-epochs that the paper's schedule cuts a training into. */
export const passesPerMetaEpoch = (passes: number): number =>
  Math.max(Math.round(passes / metaEpochs), 1)

const shared = {
  ...commonDefaults,
  clamp: 'paper',
  coupling: 'affine',
  base: 'standard',
  imageScales: 1,
  brightness: 0,
  conditional: true,
  shrinkage: 0.01,
} as const

/** CFLOW-AD (Gudovskiy et al. 2022): conditional normalising flows on feature vectors of up to three scales. */
export const cflow = method({
  name: 'cflow',
  title: 'CFLOW-AD',
  settings,
  recipes: {
    /** Starts at the Mahalanobis solution and trains for what a Gaussian cannot say. */
    whitened: {
      ...shared,
      couplingLayers: 4,
      permutation: 'alternate',
      loss: 'nll',
      passes: 3,
      miniBatch: 512,
      learningRate: 1e-2,
      rotation: 0,
      whitening: true,
      start: 'identity',
      sampling: 'grouped',
      schedule: 'cosine',
      neighbourhoods: '1+3,3,3',
      remembered: 2048,
      aggregation: 'softMinimum',
      scoreShare: 0.003,
      smoothing: gaussianSigma,
    },
    /** What the authors' code does. */
    paper: {
      ...shared,
      couplingLayers: 8,
      permutation: 'soft',
      loss: 'logsigmoid',
      passes: 200,
      miniBatch: 256,
      learningRate: 2e-4,
      rotation: 5,
      heldOut: 0,
      whitening: false,
      start: 'random',
      sampling: 'permuted',
      imageBatch: 32,
      schedule: 'paper',
      neighbourhoods: '1',
      remembered: 0,
      aggregation: 'calibrated',
      scoreShare: 0,
      smoothing: 0,
    },
  },
  prepare({ rotation, brightness, neighbourhoods, imageScales }, given) {
    const encoder = withImageScales(withNeighbourhoods(given, neighbourhoods), imageScales)
    return {
      encoder,
      rotation,
      brightness,
      kept: encoder.taps.reduce((n, t) => n + sizeOfMap(t), 0),
    }
  },
  async learn(job) {
    const { config, encoder, runtime, features, training } = job
    const { aggregation, scoreShare, smoothing } = config
    const whitenings = config.whitening ? await estimateWhitenings(job) : []
    const chosen = rememberedTaps(encoder.taps)
    const { remembered } = config
    const further = remembered > 0 ? [await rememberedScale(job, chosen, remembered)] : []
    if (config.whitening) {
      const whiten = await whitener(runtime, whitenings)
      await job.timed('whiten', () => features.transform(whiten))
    }
    const flows = encoder.taps.map((tap, k): ScaleFlow => {
      const flow = flowConfig(config, tap)
      const parameters = initialiseFlow(flow, Random.seeded(config.seed, `flow ${k}`), config.start)
      const whitening = whitenings[k]
      return { config: flow, parameters, ...(whitening && { whitening }) }
    })
    const plan = chunkPlan(config, training.length, features.cached)
    const sampling = samplings[config.sampling]
    const trainers: Trainer[] = []
    for (const [k, flow] of flows.entries()) {
      const tap = encoder.taps[k] as Tap
      const shape = sampling.shape(tap.height * tap.width, config.miniBatch, plan[0] as number)
      trainers.push(await flowTrainer(runtime, tap, flow, shape, sampling, config.loss))
    }
    const learned = await trainInPasses(job, {
      trainers,
      stream: 'pass',
      plan,
      rate: rateOf(config, encoder.taps, plan.length),
      head: async (parameters) => {
        const learned = flows.map((flow, k) => withParameters(flow, parameters[k] as Float32Array))
        const based = config.base === 'refitted' ? await refitted(job, learned) : learned
        return flowHead(based, aggregation, { scoreShare, smoothing, further })
      },
    })
    const memory = {
      vectors: remembered,
      taps: chosen.map((k) => (encoder.taps[k] as Tap).name),
    }
    return {
      ...learned,
      manifest: {
        aggregation,
        ...(remembered > 0 && { memory }),
        ...(scoreShare > 0 && { scoreShare }),
        ...(smoothing > 0 && { smoothing }),
      },
    }
  },
  extension: { extend: extendFlows },
})

const flowConfig = (config: Settings, { channels }: Tap): FlowConfig => ({
  depth: channels,
  condition: config.conditional ? conditionSize : 0,
  couplingLayers: config.couplingLayers,
  permutation: config.permutation,
  clamp: config.clamp,
  ...(config.coupling === 'additive' && { coupling: config.coupling }),
})

const withParameters = (flow: ScaleFlow, theta: Float32Array): ScaleFlow => ({
  ...flow,
  parameters: unflatten(flow.config, floats('float32', [theta.length], theta), flow.parameters),
})

/** Images of a chunk when features are not kept in memory. */
const uncachedChunk = 64

/** Chunks of one size: images that are left over are left out of a pass. */
function chunkPlan({ imageBatch }: Settings, images: number, cached: boolean): number[] {
  const evenly = cached ? 1 : Math.ceil(images / uncachedChunk)
  const size = imageBatch ? Math.min(imageBatch, images) : Math.floor(images / evenly)
  return new Array<number>(imageBatch ? Math.floor(images / size) : evenly).fill(size)
}

function rateOf(
  { schedule, learningRate, passes }: Settings,
  taps: readonly Tap[],
  batchesPerPass: number,
): (at: StepAt) => number {
  if (schedule === 'paper') {
    const epochs = { metaEpochs, passesPerMetaEpoch: passesPerMetaEpoch(passes) }
    const paper = { learningRate, ...epochs, batchesPerPass }
    return ({ pass, chunk }) => paperLearningRate(paper, pass, chunk)
  }
  return ({ model, step, steps }) =>
    cosineLearningRate(widthLearningRate(learningRate, (taps[model] as Tap).channels), step, steps)
}

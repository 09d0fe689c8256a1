import { CflowError } from '@cflow/base'
import { dfrVariance, padimRegularisation, spadeNeighbours } from '@cflow/methods'
import { methodSchema } from '@cflow/core'
import * as z from 'zod'
import { trainConfigSchema } from '../config.js'

const { encoder, inputSize, poolLayers, heldOut, falsePositiveRate, seed } = trainConfigSchema.shape
const { passes, miniBatch, learningRate, couplingLayers, rotation } = trainConfigSchema.shape

/** What all methods have in common; see `TrainConfig` for their meaning. */
const common = { encoder, inputSize, poolLayers, heldOut, falsePositiveRate, seed }
const training = { passes, miniBatch, learningRate }

export const padimConfigSchema = z.strictObject({
  method: z.literal('padim'),
  ...common,
  channels: z.int().min(1).max(100_000).optional().meta({
    help: 'random channels that are kept',
    otherwise: 'the authors’ number for the encoder',
  }),
  regularisation: z
    .number()
    .positive()
    .max(1000)
    .meta({ help: 'added to every variance', placeholder: 'X' }),
})
export type PadimConfig = z.infer<typeof padimConfigSchema>

export const spadeConfigSchema = z.strictObject({
  method: z.literal('spade'),
  ...common,
  neighbours: z
    .int()
    .min(1)
    .max(100_000)
    .meta({ help: 'nearest training images that an image is compared with', placeholder: 'K' }),
})
export type SpadeConfig = z.infer<typeof spadeConfigSchema>

export const dfrConfigSchema = z.strictObject({
  method: z.literal('dfr'),
  ...common,
  ...training,
  /** Share of the variance that the bottleneck's width is chosen for by principal components. */
  variance: z
    .number()
    .gt(0)
    .max(1)
    .meta({ help: 'variance that the bottleneck keeps', placeholder: 'SHARE' }),
})
export type DfrConfig = z.infer<typeof dfrConfigSchema>

export const differnetConfigSchema = z.strictObject({
  method: z.literal('differnet'),
  ...common,
  ...training,
  couplingLayers,
  /** The authors: 3 of 2,048. */
  hiddenLayers: z.int().min(1).max(8).meta({ help: 'hidden layers of a subnet' }),
  hiddenUnits: z.int().min(1).max(8192).meta({ help: 'width of a hidden layer' }),
  /** Sizes at which the image is encoded: the input size and its halves (the authors: 3, of 448 pixels). */
  imageScales: z.int().min(1).max(4).meta({ help: 'sizes of the image, 1 to 4' }),
  rotation,
  /** One, as it is, without rotation. */
  views: z.int().min(1).max(1000).meta({ help: 'randomly rotated versions of an image' }),
})
export type DiffernetConfig = z.infer<typeof differnetConfigSchema>

/** Everything that decides what the training of a baseline makes. */
export const baselineConfigSchema = z.discriminatedUnion('method', [
  padimConfigSchema,
  spadeConfigSchema,
  dfrConfigSchema,
  differnetConfigSchema,
])
export type BaselineConfig = z.infer<typeof baselineConfigSchema>
export type BaselineMethod = BaselineConfig['method']

const shared = {
  encoder: 'efficientnet-lite0',
  inputSize: 256,
  poolLayers: 3,
  heldOut: 0.2,
  falsePositiveRate: 0.05,
  seed: 0,
} as const

/** Settings of each method that are not given. */
export const baselineDefaults: {
  readonly [M in BaselineMethod]: Extract<BaselineConfig, { readonly method: M }>
} = {
  padim: { ...shared, method: 'padim', regularisation: padimRegularisation },
  spade: { ...shared, method: 'spade', neighbours: spadeNeighbours },
  dfr: {
    ...shared,
    method: 'dfr',
    variance: dfrVariance,
    passes: 20,
    miniBatch: 1024,
    learningRate: 1e-3,
  },
  differnet: {
    ...shared,
    method: 'differnet',
    couplingLayers: 8,
    hiddenLayers: 3,
    hiddenUnits: 128,
    imageScales: 1,
    rotation: 5,
    views: 4,
    passes: 20,
    miniBatch: 96,
    learningRate: 2e-4,
  },
}

/** Every setting of some baseline, each optional. */
export const baselineSettingsSchema = z
  .object({
    ...padimConfigSchema.shape,
    ...spadeConfigSchema.shape,
    ...dfrConfigSchema.shape,
    ...differnetConfigSchema.shape,
  })
  .omit({ method: true })
  .partial()

/**
 * Complete settings from some: what is absent comes from the method's defaults.
 * @throws CflowError CONFIG that names the field, also for a setting that the method does not have
 */
export function resolveBaseline(
  options: { readonly method: BaselineMethod } & Readonly<Record<string, unknown>>,
): BaselineConfig {
  const methods = baselineConfigSchema.options.map((schema) => schema.shape.method.value)
  if (!methods.includes(options.method))
    throw new CflowError('CONFIG', `there is no baseline ${String(options.method)}`, {
      subject: 'method',
      hint: `use one of ${methodSchema.options.join(', ')}`,
    })
  const given = Object.fromEntries(Object.entries(options).filter(([, v]) => v !== undefined))
  const parsed = baselineConfigSchema.safeParse({ ...baselineDefaults[options.method], ...given })
  if (!parsed.success) throw invalid(parsed.error, options.method)
  const config = parsed.data
  const multiple = 32 * 2 ** (config.method === 'differnet' ? config.imageScales - 1 : 0)
  if (config.inputSize % multiple !== 0)
    throw new CflowError('CONFIG', `inputSize ${config.inputSize} is no multiple of ${multiple}`, {
      subject: 'inputSize',
      hint: 'the coarsest map has one position for 32×32 pixels of the smallest image: use 128, 256, 512 …',
    })
  return config
}

function invalid(error: z.ZodError, method: BaselineMethod): CflowError {
  const issue = error.issues[0]
  if (issue?.code !== 'unrecognized_keys')
    return new CflowError('CONFIG', z.prettifyError(error), {
      subject: issue?.path.join('.') ?? '',
    })
  const [key = ''] = issue.keys
  return new CflowError('CONFIG', `${key} is no setting of ${method}`, {
    subject: key,
    hint: `settings of ${method}: ${Object.keys(baselineDefaults[method]).join(', ')}`,
  })
}

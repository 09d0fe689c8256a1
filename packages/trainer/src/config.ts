import { CflowError } from '@cflow/base'
import { aggregationSchema, clampSchema, permutationSchema } from '@cflow/core'
import * as z from 'zod'
import { normalisationSchema } from './normalisation.js'

export const recipeSchema = z.enum(['whitened', 'paper'])
export type Recipe = z.infer<typeof recipeSchema>

const triple = z.tuple([z.number(), z.number(), z.number()])

/** An encoder read from an ONNX file (see `onnxEncoder`). */
export const onnxConfigSchema = z.strictObject({
  /** SHA-256 of the file. */
  digest: z.string(),
  taps: z.array(z.string()).min(1).max(3),
  mean: triple,
  std: triple,
  prefixTokens: z.int().min(0).optional(),
})

/**
 * Everything that decides what a training makes. Two trainings with equal settings and images give equal files. The
 * metadata of a field is what flags, configuration files and help say of it.
 */
export const trainConfigSchema = z.strictObject({
  /** Name of the encoder (see @cflow/encoders), or of the ONNX file that it is read from. */
  encoder: z.string().meta({
    help: 'feature extractor, or an ONNX file with --taps',
    group: 'encoder',
  }),
  /** Of pixels before the encoder; see `Normalisation`. */
  normalisation: normalisationSchema.meta({
    help: 'of pixels',
    otherwise: 'encoder; recipe paper on stc: stc',
    group: 'encoder',
  }),
  onnx: onnxConfigSchema.optional(),
  /** S: images are resized to S×S pixels. */
  inputSize: z
    .int()
    .min(32)
    .max(4096)
    .meta({ help: 'images are resized to this', placeholder: 'PIXELS', group: 'encoder' }),
  /** K: number of scales, counted from the coarsest (section 4.1). */
  poolLayers: z
    .union([z.literal(1), z.literal(2), z.literal(3)])
    .meta({ help: 'scales, 1 to 3', group: 'encoder' }),
  recipe: recipeSchema.meta({ help: 'sets the defaults of the rest' }),
  couplingLayers: z.int().min(1).max(64).meta({ help: 'coupling layers of each flow' }),
  permutation: permutationSchema.meta({ help: 'between coupling layers' }),
  clamp: clampSchema.meta({ help: 'bound of a coupling layer’s scale' }),
  /** Whether the flows see the position (CFLOW) or not (UFLOW). */
  conditional: z.boolean().meta({
    help: 'flows see the position',
    negation: { key: 'unconditional', help: 'flows do not see the position (UFLOW)' },
  }),
  loss: z.enum(['logsigmoid', 'nll']).meta({ help: 'loss of the flows' }),
  passes: z.int().min(0).max(100_000).meta({ help: 'passes over the training images' }),
  miniBatch: z.int().min(1).max(1_000_000).meta({ help: 'feature vectors of one step' }),
  learningRate: z
    .number()
    .positive()
    .max(1)
    .meta({ help: 'largest learning rate', placeholder: 'X' }),
  /** Section 5.1; 0 for none. */
  rotation: z
    .number()
    .min(0)
    .max(180)
    .meta({ help: 'largest random rotation of training images', placeholder: 'DEGREES' }),
  /** Share of the good images kept out of training; 0 calibrates on the training images. */
  heldOut: z
    .number()
    .min(0)
    .max(0.5)
    .meta({ help: 'good images kept to calibrate with', placeholder: 'SHARE' }),
  /** Share of the mean variance added to the whitening's covariance. */
  shrinkage: z
    .number()
    .positive()
    .max(10)
    .meta({ help: 'regularisation of the whitening', placeholder: 'X' }),
  aggregation: aggregationSchema.meta({ help: 'of the scales' }),
  falsePositiveRate: z
    .number()
    .gt(0)
    .lt(1)
    .meta({ help: 'false-positive rate of the stored threshold', placeholder: 'RATE' }),
  seed: z.int().min(0).meta({ help: 'same seed, same detector' }),
})
export type TrainConfig = z.infer<typeof trainConfigSchema>

const common = {
  encoder: 'efficientnet-lite0',
  normalisation: 'encoder',
  inputSize: 256,
  poolLayers: 3,
  clamp: 'paper',
  conditional: true,
  shrinkage: 0.01,
  falsePositiveRate: 0.05,
  seed: 0,
} as const

/**
 * `paper`: what the authors' code does. `whitened` (default): starts at the Mahalanobis solution and trains for what a
 * Gaussian cannot say.
 */
export const recipes: Readonly<Record<Recipe, TrainConfig>> = {
  whitened: {
    ...common,
    recipe: 'whitened',
    couplingLayers: 4,
    permutation: 'alternate',
    loss: 'nll',
    passes: 4,
    miniBatch: 512,
    learningRate: 1e-2,
    rotation: 0,
    heldOut: 0.2,
    aggregation: 'calibrated',
  },
  paper: {
    ...common,
    recipe: 'paper',
    couplingLayers: 8,
    permutation: 'soft',
    loss: 'logsigmoid',
    passes: 200,
    miniBatch: 256,
    learningRate: 2e-4,
    rotation: 5,
    heldOut: 0,
    aggregation: 'calibrated',
  },
}

export type TrainOptions = { readonly [K in keyof TrainConfig]?: TrainConfig[K] | undefined }

/**
 * Complete settings from some: what is absent comes from the recipe.
 * @throws CflowError CONFIG that names the field
 */
export function resolveConfig(options: TrainOptions = {}): TrainConfig {
  const recipe = recipeSchema.safeParse(options.recipe ?? 'whitened')
  if (!recipe.success)
    throw new CflowError('CONFIG', `there is no recipe ${String(options.recipe)}`, {
      subject: 'recipe',
      hint: `use one of ${recipeSchema.options.join(', ')}`,
    })
  const given = Object.fromEntries(Object.entries(options).filter(([, v]) => v !== undefined))
  const parsed = trainConfigSchema.safeParse({ ...recipes[recipe.data], ...given })
  if (!parsed.success)
    throw new CflowError('CONFIG', z.prettifyError(parsed.error), {
      subject: parsed.error.issues[0]?.path.join('.') ?? '',
    })
  return parsed.data
}

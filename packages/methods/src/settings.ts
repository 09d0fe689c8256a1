import { CflowError } from '@cflow/base'
import { resizeSchema } from '@cflow/core'
import { normalisations } from '@cflow/encoders'
import * as z from 'zod'

/** What is known of a setting beside its type (`schema.meta()`): help, flags and documentation follow from it. */
export interface SettingMeta {
  /** One line, without the default. */
  readonly help: string
  /** Stands for the value in help; a switch has none. */
  readonly placeholder?: string
  /** Settings of one group are shown together. */
  readonly group: string
  /** Part of a recipe that has no flag. */
  readonly internal?: boolean
  /** Of a switch: the key that says the opposite. */
  readonly negation?: { readonly key: string; readonly help: string }
  /** What holds where nothing is said, for people, where the recipes do not say it. */
  readonly otherwise?: string
}

const described = <T extends z.ZodType>(schema: T, meta: SettingMeta): T => schema.meta({ ...meta })

/** Makes settings of a group: placeholder, help, type, and what holds otherwise where no recipe says it. */
export const settingsOf =
  (group: string) =>
  <T extends z.ZodType>(placeholder: string, help: string, schema: T, otherwise?: string): T =>
    described(schema, { help, placeholder, group, ...(otherwise !== undefined && { otherwise }) })

/** A setting that is on or off; `negation` is another way to say off. */
export const toggle = (group: string, help: string, negation?: SettingMeta['negation']) =>
  described(z.boolean(), { help, group, ...(negation && { negation }) })

/** A choice of a recipe, without a flag. */
export const choice = <T extends z.ZodType>(help: string, schema: T): T =>
  described(schema, { help, group: 'recipe', internal: true })

const encoder = settingsOf('encoder')
const training = settingsOf('training')
const calibration = settingsOf('calibration')
const triple = z.tuple([z.number(), z.number(), z.number()])

/** How an encoder is read from an ONNX file (see `onnxEncoder`). */
const onnxSchema = z.strictObject({
  /** SHA-256 of the file. */
  digest: z.string(),
  taps: z.array(z.string()).min(1).max(3),
  mean: triple,
  std: triple,
  prefixTokens: z.int().min(0).optional(),
})

/** Settings that every method has. */
export const commonSettings = {
  encoder: encoder('NAME', 'feature extractor, or an ONNX file with --taps', z.string()),
  normalisation: encoder(
    'NAME',
    'of pixels',
    z.enum(normalisations),
    'encoder; recipe paper on stc: stc',
  ),
  onnx: choice('how the encoder is read from an ONNX file', onnxSchema.optional()),
  inputSize: encoder('PIXELS', 'images are resized to this', z.int().min(32).max(4096)),
  resize: encoder('NAME', 'stretch images to the square, or pad those that are none', resizeSchema),
  poolLayers: encoder(
    'N',
    'scales, from the coarsest; 4 begin at a stride of 4 pixels',
    z.literal([1, 2, 3, 4]),
  ),
  heldOut: calibration('SHARE', 'good images kept to calibrate with', z.number().min(0).max(0.5)),
  folds: calibration(
    'N',
    'trainings without one part of the images each, to calibrate with all of them where those held out were too few; 0 for none',
    z.union([z.literal(0), z.int().min(2).max(20)]),
  ),
  falsePositiveRate: calibration('RATE', 'of the stored threshold', z.number().gt(0).lt(1)),
  confidence: calibration(
    'SHARE',
    'with which the rate holds for this very detector, such as 0.95; 0: on average',
    z.number().min(0).lt(1),
  ),
  dropSuspicious: training(
    'RATE',
    'share of the training images, those that stand out from the others, that is left out at most',
    z.number().min(0).max(0.5),
  ),
  seed: training('N', 'same seed, same detector', z.int().min(0)),
}

/** The recipes' values of `commonSettings`, but for what they choose themselves. */
export const commonDefaults = {
  encoder: 'efficientnet-lite0',
  normalisation: 'encoder',
  inputSize: 256,
  resize: 'stretch',
  poolLayers: 3,
  heldOut: 0.2,
  folds: 5,
  falsePositiveRate: 0.05,
  confidence: 0,
  dropSuspicious: 0,
  seed: 0,
} as const

/** Settings of the methods that learn in passes over the training images. */
export const passSettings = {
  passes: training('N', 'passes over the training images', z.int().min(0).max(100_000)),
  miniBatch: training('N', 'feature vectors of one step', z.int().min(1).max(1_000_000)),
  learningRate: training('X', 'largest learning rate', z.number().positive().max(1)),
}

/** Settings of the methods that train flows. */
export const flowSettings = {
  couplingLayers: settingsOf('flow')('N', 'coupling layers of each flow', z.int().min(1).max(64)),
  rotation: training('DEGREES', 'random rotation of training images', z.number().min(0).max(180)),
  brightness: training(
    'SHARE',
    'training images become brighter or darker at random by this much',
    z.number().min(0).max(0.5),
  ),
}

/** The most bytes that an ONNX file holds. */
const maxFileBytes = 2 ** 31 - 1

/** @throws CflowError USAGE when a detector file would hold more than an ONNX file can */
export function checkFileSize(bytes: number, what: string, subject: string, hint: string): void {
  if (bytes <= maxFileBytes) return
  throw new CflowError('USAGE', `${what} make a file of ${(bytes / 1e9).toFixed(1)} GB`, {
    subject,
    hint: `ONNX files hold 2 GB: ${hint}`,
  })
}

/**
 * Taps are joined where coarser maps divide finer ones.
 * @param levels sizes at which images are encoded, each half of the one before
 * @throws CflowError CONFIG when an input size is not a multiple of the coarsest stride of the built-in encoders
 */
export function checkInputSize(
  { inputSize, onnx }: { readonly inputSize: number; readonly onnx?: unknown },
  levels = 1,
): void {
  const multiple = 32 * 2 ** (levels - 1)
  if (onnx !== undefined || inputSize % multiple === 0) return
  throw new CflowError('CONFIG', `inputSize ${inputSize} is no multiple of ${multiple}`, {
    subject: 'inputSize',
    hint: 'the coarsest map has one position for 32×32 pixels of the smallest image: use 128, 256, 512 …',
  })
}

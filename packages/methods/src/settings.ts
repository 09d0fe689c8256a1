import { CflowError } from '@cflow/base'
import { normalisations } from '@cflow/encoders'
import * as z from 'zod'

/** What is known of a setting beside its type (`schema.meta()`): flags, help and documentation follow from it. */
export interface SettingMeta {
  /** One line, without the default and the choices. */
  readonly help: string
  /** Stands for the value in help, where N for a number and NAME for a word would not do. */
  readonly placeholder?: string
  /** Settings of one group are shown together: those of the training when absent. */
  readonly group?: string
  /** What holds where nothing is said, for people, where the recipes do not say it. */
  readonly otherwise?: string
  /** Of a switch: the key that says the opposite. */
  readonly negation?: { readonly key: string; readonly help: string }
  /** Part of a recipe that has no flag. */
  readonly internal?: true
}

/** A setting, and what is known of it. */
export const setting = <T extends z.ZodType>(
  help: string,
  schema: T,
  meta: Omit<SettingMeta, 'help'> = {},
): T => schema.meta({ help, ...meta })

/** A choice of a recipe, without a flag. */
export const choice = <T extends z.ZodType>(help: string, schema: T): T =>
  setting(help, schema, { internal: true })

const encoder = { group: 'encoder' }
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
  /** Name of the encoder (see @cflow/encoders), or of the ONNX file that it is read from. */
  encoder: setting('feature extractor, or an ONNX file with --taps', z.string(), encoder),
  /** Of pixels before the encoder; see `normalised`. */
  normalisation: setting('of pixels', z.enum(normalisations), {
    otherwise: 'encoder; recipe paper on stc: stc',
    ...encoder,
  }),
  onnx: choice('how the encoder is read from an ONNX file', onnxSchema.optional()),
  /** S: images are resized to S×S pixels. */
  inputSize: setting('images are resized to this', z.int().min(32).max(4096), {
    placeholder: 'PIXELS',
    ...encoder,
  }),
  /** K: number of scales, counted from the coarsest (section 4.1). */
  poolLayers: setting(
    'scales, 1 to 3',
    z.union([z.literal(1), z.literal(2), z.literal(3)]),
    encoder,
  ),
  /** Share of the good images kept out of training; 0 calibrates on the training images. */
  heldOut: setting('good images kept to calibrate with', z.number().min(0).max(0.5), {
    placeholder: 'SHARE',
  }),
  falsePositiveRate: setting(
    'false-positive rate of the stored threshold',
    z.number().gt(0).lt(1),
    { placeholder: 'RATE' },
  ),
  seed: setting('same seed, same detector', z.int().min(0)),
}

/** The recipes' values of `commonSettings`, but for what they choose themselves. */
export const commonDefaults = {
  encoder: 'efficientnet-lite0',
  normalisation: 'encoder',
  inputSize: 256,
  poolLayers: 3,
  heldOut: 0.2,
  falsePositiveRate: 0.05,
  seed: 0,
} as const

/** Settings of the methods that learn in passes over the training images. */
export const passSettings = {
  passes: setting('passes over the training images', z.int().min(0).max(100_000)),
  miniBatch: setting('feature vectors of one step', z.int().min(1).max(1_000_000)),
  learningRate: setting('largest learning rate', z.number().positive().max(1), {
    placeholder: 'X',
  }),
}

/** Settings of the methods that train flows. */
export const flowSettings = {
  couplingLayers: setting('coupling layers of each flow', z.int().min(1).max(64)),
  /** Section 5.1; 0 for none. */
  rotation: setting('largest random rotation of training images', z.number().min(0).max(180), {
    placeholder: 'DEGREES',
  }),
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

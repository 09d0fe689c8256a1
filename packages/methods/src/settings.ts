import { CflowError } from '@cflow/base'
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
}

/** A setting of a group. */
export const setting = <T extends z.ZodType>(
  schema: T,
  group: string,
  placeholder: string | undefined,
  help: string,
): T =>
  schema.meta({ help, group, ...(placeholder !== undefined && { placeholder }) } satisfies SettingMeta) // prettier-ignore

/** A choice of a recipe, without a flag. */
export const choice = <T extends z.ZodType>(schema: T, help: string): T =>
  schema.meta({ help, group: 'recipe', internal: true } satisfies SettingMeta)

const triple = z.tuple([z.number(), z.number(), z.number()])

/** Settings that every method has. */
export const commonSettings = {
  encoder: setting(z.string(), 'encoder', 'NAME', 'feature extractor, or an ONNX file with --taps'),
  normalisation: setting(
    z.enum(normalisations),
    'encoder',
    'NAME',
    'of pixels: encoder, or stc (the default of recipe paper on stc)',
  ),
  onnx: choice(
    z
      .strictObject({
        /** SHA-256 of the file. */
        digest: z.string(),
        taps: z.array(z.string()).min(1).max(3),
        mean: triple,
        std: triple,
        prefixTokens: z.int().min(0).optional(),
      })
      .optional(),
    'how the encoder is read from an ONNX file (see `onnxEncoder`)',
  ),
  inputSize: setting(z.int().min(32).max(4096), 'encoder', 'PIXELS', 'images are resized to this'),
  poolLayers: setting(
    z.union([z.literal(1), z.literal(2), z.literal(3)]),
    'encoder',
    'N',
    'scales, 1 to 3',
  ),
  heldOut: setting(
    z.number().min(0).max(0.5),
    'calibration',
    'SHARE',
    'good images kept to calibrate with',
  ),
  falsePositiveRate: setting(
    z.number().gt(0).lt(1),
    'calibration',
    'RATE',
    'of the stored threshold',
  ),
  seed: setting(z.int().min(0), 'training', 'N', 'same seed, same detector'),
} as const

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
  passes: setting(z.int().min(0).max(100_000), 'training', 'N', 'passes over the training images'),
  miniBatch: setting(z.int().min(1).max(1_000_000), 'training', 'N', 'feature vectors of one step'),
  learningRate: setting(z.number().positive().max(1), 'training', 'X', 'largest learning rate'),
} as const

/** Settings of the methods that train flows. */
export const flowSettings = {
  couplingLayers: setting(z.int().min(1).max(64), 'flow', 'N', 'coupling layers of each flow'),
  rotation: setting(
    z.number().min(0).max(180),
    'training',
    'DEGREES',
    'random rotation of training images',
  ),
} as const

/** The most bytes that an ONNX file holds. */
const maxFileBytes = 2 ** 31 - 1

/** @throws CflowError USAGE when a detector file would hold more than an ONNX file can */
export function checkFileSize(bytes: number, what: string, subject: string, hint: string): void {
  if (bytes <= maxFileBytes) return
  const size = `${(bytes / 1e9).toFixed(1)} GB`
  throw new CflowError('USAGE', `${what} make a file of ${size}`, {
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

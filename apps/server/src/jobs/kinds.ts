import { CflowError } from '@cflow/base'
import { encoderSpec } from '@cflow/encoders'
import { methods, resolveConfig, trainSettings, type TrainOptions } from '@cflow/methods'
import * as z from 'zod'
import { nameSchema } from '../http/schemas.js'
import type { JobKind, JobRecord } from '../state/state.js'

/** The built-in images in place of a data set: rendered when they are needed, the same everywhere. */
const exampleSchema = z
  .strictObject({
    kind: z.enum(['mesh', 'cable', 'part']),
    train: z.int().min(1).max(1000).default(40),
    test: z.int().min(0).max(1000).default(36),
    size: z.int().min(32).max(1024).default(256),
  })
  .meta({ description: 'Built-in images in place of a data set.' })

/** The settings of every method, as the command line and configuration files have them. */
const settingsSchema = z
  .strictObject({
    method: z.enum(methods.map((m) => m.name)).optional(),
    recipe: z.string().min(1).max(100).optional(),
    ...(Object.fromEntries(
      Object.entries(trainSettings.shape as Readonly<Record<string, z.ZodType>>).map(
        ([key, schema]) => {
          const { help } = (schema.meta() ?? {}) as { readonly help?: string }
          return [key, schema.meta(help === undefined ? {} : { description: help })]
        },
      ),
    ) as typeof trainSettings.shape),
  })
  .meta({ description: 'Settings of the training; what is left out comes from the recipe.' })

const images = {
  dataset: nameSchema.optional().meta({ description: 'Data set to read.' }),
  example: exampleSchema.optional(),
}
const evaluation = {
  protocol: z.enum(['strict', 'paper']).default('strict'),
  evaluateAt: z
    .union([z.literal('mask'), z.int().min(16).max(16384)])
    .optional()
    .meta({ description: 'Size at which pixels are compared: of each mask, or in pixels.' }),
}

const trainInput = z.strictObject({
  kind: z.literal('train'),
  ...images,
  settings: settingsSchema.optional(),
  ...evaluation,
  detector: nameSchema
    .optional()
    .meta({ description: 'Detector that the result becomes a version of.' }),
  activate: z.boolean().default(true).meta({ description: 'Whether that version answers then.' }),
})
const evaluateInput = z.strictObject({
  kind: z.literal('evaluate'),
  ...images,
  ...evaluation,
  detector: nameSchema,
  version: z.int().min(1).optional(),
})

const updateInput = z.strictObject({
  kind: z.literal('update'),
  ...images,
  ...evaluation,
  detector: nameSchema.meta({
    description: 'Detector that takes the good images of the data set up, as a further version.',
  }),
  version: z.int().min(1).optional().meta({ description: 'The active one when absent.' }),
  activate: z.boolean().default(true).meta({ description: 'Whether that version answers then.' }),
})

const tuneInput = z.strictObject({
  kind: z.literal('tune'),
  ...images,
  settings: settingsSchema.optional().meta({ description: 'What is to stay as it is.' }),
  budget: z
    .number()
    .positive()
    .max(100_000)
    .optional()
    .meta({ description: 'Milliseconds that the worker may take for one image.' }),
  minutes: z
    .number()
    .positive()
    .max(10_000)
    .default(10)
    .meta({ description: 'After which no training of the search begins or goes on.' }),
  train: z
    .boolean()
    .default(false)
    .meta({ description: 'Whether to train with the settings that are chosen.' }),
  ...evaluation,
  detector: nameSchema
    .optional()
    .meta({ description: 'With train: detector that the result becomes a version of.' }),
  activate: z.boolean().default(true).meta({ description: 'Whether that version answers then.' }),
})

/** What can be asked for. A kind that is added here needs its work in `work.ts`. */
export const jobInput = z.discriminatedUnion('kind', [
  trainInput,
  tuneInput,
  evaluateInput,
  updateInput,
])
export type JobInput = z.output<typeof jobInput>
export type TrainInput = z.output<typeof trainInput>
export type TuneInput = z.output<typeof tuneInput>
export type EvaluateInput = z.output<typeof evaluateInput>
export type UpdateInput = z.output<typeof updateInput>

/** The input of a job that was accepted. */
export const inputOf = ({ kind, input }: Pick<JobRecord, 'kind' | 'input'>): JobInput =>
  jobInput.parse({ ...input, kind })

/** Settings as `resolveConfig` takes them. */
export const optionsOf = ({ settings = {} }: Pick<TrainInput, 'settings'>): TrainOptions =>
  settings as TrainOptions

/**
 * What schemas cannot say, found before anything is queued.
 * @throws CflowError USAGE, CONFIG that name the setting at fault
 */
export function checkInput(input: JobInput): void {
  if ((input.dataset === undefined) === (input.example === undefined))
    throw new CflowError('USAGE', 'name either a data set or an example', {
      subject: 'dataset',
      hint: 'such as {"dataset": "parts"}, or {"example": {"kind": "cable"}}',
    })
  if (input.protocol === 'paper' && input.evaluateAt !== undefined)
    throw new CflowError('USAGE', 'evaluateAt is for the protocol strict', {
      subject: 'evaluateAt',
    })
  if (input.kind === 'tune' && input.detector !== undefined && !input.train)
    throw new CflowError('USAGE', 'without train a choice of settings makes no detector', {
      subject: 'detector',
      hint: 'add "train": true, or leave detector out',
    })
  if (input.kind !== 'train' && input.kind !== 'tune') return
  const config = resolveConfig(optionsOf(input))
  encoderSpec(config.encoder)
}

/** Kinds that are built; the record's type knows more. */
export const kinds: readonly JobKind[] = jobInput.options.map((option) => option.shape.kind.value)

import { methodSchema } from '@cflow/core'
import { baselineSettingsSchema, trainConfigSchema } from '@cflow/trainer'
import * as z from 'zod'

const text = z.string().min(1)
const count = z.int().min(0)

/** Settings that decide which images are used. */
export const datasetShape = {
  dataset: z.enum(['mvtec', 'folder', 'synthetic']).optional(),
  root: text.optional(),
  category: text.optional(),
  trainImages: z.int().min(0).max(100_000).optional(),
  testImages: z.int().min(0).max(100_000).optional(),
}
export type DatasetSettings = z.infer<z.ZodObject<typeof datasetShape>>

const commonShape = {
  out: text.optional(),
  device: text.optional(),
  threads: z.int().min(1).max(1024).optional(),
  json: z.boolean().optional(),
  quiet: z.boolean().optional(),
}

/** What `train` takes: the settings of every method, and what decides images and machine. */
export const trainSchema = z.object({
  ...baselineSettingsSchema.shape,
  ...trainConfigSchema.partial().shape,
  ...datasetShape,
  ...commonShape,
  method: methodSchema.optional(),
  weights: text.optional(),
  stopAfter: count.optional(),
  resume: z.boolean().optional(),
})
export type TrainSettings = z.infer<typeof trainSchema>

export const evaluateSchema = z.object({ ...datasetShape, ...commonShape })

export const predictSchema = z.object({
  ...commonShape,
  falsePositiveRate: z.number().gt(0).lt(1).optional(),
})

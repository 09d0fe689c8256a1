import { methodSchema } from '@cflow/core'
import { baselineSettingsSchema, trainConfigSchema } from '@cflow/trainer'
import * as z from 'zod'
import { commonShape, datasetShape, onnxShape, protocol } from './schema.js'

/** What `train` takes: the settings of every method, and what decides images and machine. */
export const trainSchema = z.object({
  ...baselineSettingsSchema.shape,
  ...trainConfigSchema.omit({ onnx: true }).partial().shape,
  ...datasetShape,
  ...commonShape,
  ...onnxShape,
  method: methodSchema.optional(),
  weights: z.string().min(1).optional(),
  protocol,
  stopAfter: z.int().min(0).optional(),
  resume: z.boolean().optional(),
})
export type TrainSettings = z.infer<typeof trainSchema>

import { methods, trainSettings, type MethodName } from '@cflow/methods'
import * as z from 'zod'
import { commonShape, datasetShape, onnxShape, protocol } from './schema.js'

/** What `train` takes: the settings of every method, and what decides images and machine. */
export const trainSchema = z.object({
  ...trainSettings.shape,
  ...datasetShape,
  ...commonShape,
  ...onnxShape,
  method: z.enum(methods.map((m) => m.name) as MethodName[]).optional(),
  recipe: z.string().optional(),
  weights: z.string().min(1).optional(),
  protocol,
  stopAfter: z.int().min(0).optional(),
  resume: z.boolean().optional(),
})
export type TrainSettings = z.infer<typeof trainSchema>

import * as z from 'zod'

const text = z.string().min(1)

/** Settings that decide which images are used. */
export const datasetShape = {
  dataset: z.enum(['mvtec', 'folder', 'synthetic']).optional(),
  root: text.optional(),
  category: text.optional(),
  trainImages: z.int().min(0).max(100_000).optional(),
  testImages: z.int().min(0).max(100_000).optional(),
}
export type DatasetSettings = z.infer<z.ZodObject<typeof datasetShape>>

export const commonShape = {
  out: text.optional(),
  device: text.optional(),
  threads: z.int().min(1).max(1024).optional(),
  json: z.boolean().optional(),
  quiet: z.boolean().optional(),
}

export const evaluateSchema = z.object({ ...datasetShape, ...commonShape })

export const predictSchema = z.object({
  ...commonShape,
  falsePositiveRate: z.number().gt(0).lt(1).optional(),
})

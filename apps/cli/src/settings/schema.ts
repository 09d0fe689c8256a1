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

/** What `train` takes beside the settings of the trainer itself. */
export const trainShape = {
  ...datasetShape,
  ...commonShape,
  weights: text.optional(),
  stopAfter: count.optional(),
  resume: z.boolean().optional(),
}

export const evaluateSchema = z.object({ ...datasetShape, ...commonShape })

export const predictSchema = z.object({
  ...commonShape,
  falsePositiveRate: z.number().gt(0).lt(1).optional(),
})

export const exportSchema = z.object({
  ...datasetShape,
  ...commonShape,
  precision: z.enum(['fp16', 'int8']),
  calibration: text.optional(),
  /** A list in a configuration file, or names between commas. */
  keepFloat: z.union([text, z.array(text)]).optional(),
  fallback: z.boolean().optional(),
  ranges: z.enum(['auto', 'minmax', 'mse']).optional(),
  margin: z.number().positive().max(100).optional(),
  reduceRange: z.boolean().optional(),
})

export const benchmarkSchema = z.object({
  ...commonShape,
  images: text.optional(),
  /** Batch sizes: a list in a configuration file, or numbers between commas. */
  batch: z.union([text, z.int(), z.array(z.int())]).optional(),
  repeats: z.int().min(1).max(100_000).optional(),
})

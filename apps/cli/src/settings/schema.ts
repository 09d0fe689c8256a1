import * as z from 'zod'

const text = z.string().min(1)

/** A scene of ShanghaiTech Campus: 1 and '01' are the same (a number where YAML reads one). */
const scene = z
  .union([z.string(), z.int()])
  .transform((value) => String(value).padStart(2, '0'))
  .refine((value) => /^\d{2}$/.test(value), 'a scene is a number such as 01')

/** Settings that decide which images are used. */
export const datasetShape = {
  dataset: z.enum(['mvtec', 'folder', 'stc', 'synthetic']).optional(),
  root: text.optional(),
  category: text.optional(),
  scene: scene.optional(),
  scenes: z.literal('all', 'only all: one scene is --scene NN').optional(),
  frameStep: z.int().min(1).max(100_000).optional(),
  ffmpeg: text.optional(),
  trainImages: z.int().min(0).max(100_000).optional(),
  testImages: z.int().min(0).max(100_000).optional(),
}
export type DatasetSettings = z.infer<z.ZodObject<typeof datasetShape>>

/** Settings of every command that runs a model. */
export const commonShape = {
  out: text.optional(),
  device: text.optional(),
  threads: z.int().min(1).max(1024).optional(),
  json: z.boolean().optional(),
  quiet: z.boolean().optional(),
}

export const protocol = z.enum(['strict', 'paper']).optional()
/** A list, or text with commas between its parts. */
const listOf = <T extends z.ZodType>(items: T) =>
  z.preprocess((v) => (typeof v === 'string' ? v.split(',').map((s) => s.trim()) : v), items)
const numbersOf = (value: unknown): unknown =>
  Array.isArray(value)
    ? value.map((v) => (typeof v === 'string' && v !== '' ? Number(v) : v))
    : value
const triple = z.tuple([z.number(), z.number(), z.number()], 'three numbers, such as 0.5,0.5,0.5')
const colours = listOf(z.preprocess(numbersOf, triple))

/** Settings of an encoder that is read from an ONNX file. */
export const onnxShape = {
  taps: listOf(z.array(text, 'names with commas between them').min(1)).optional(),
  mean: colours.optional(),
  std: colours.optional(),
  prefixTokens: z.int().min(0).max(1000).optional(),
}
export type OnnxSettings = z.infer<z.ZodObject<typeof onnxShape>>

export const evaluateSchema = z.object({ ...datasetShape, ...commonShape, protocol })

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

/** A list in a configuration file, or `a,b` on the command line. */
const list = z
  .union([z.string(), z.int(), z.array(z.union([z.string(), z.int()]))])
  .transform((value) =>
    (Array.isArray(value) ? value.map(String) : String(value).split(','))
      .map((item) => item.trim())
      .filter((item) => item !== ''),
  )
  .refine((items) => items.length > 0, 'an empty list')

export const reproduceSchema = z.object({
  ...commonShape,
  mvtec: text.optional(),
  stc: text.optional(),
  recipe: text.optional(),
  passes: z.int().min(0).optional(),
  seeds: z.int().min(1).max(100).optional(),
  categories: list.optional(),
  scenes: list.optional(),
  encoders: list.optional(),
  inputSizes: list
    .transform((items) => items.map(Number))
    .pipe(z.array(z.int('sizes are whole numbers of pixels').min(32).max(4096)))
    .optional(),
  methods: list.optional(),
  frameStep: datasetShape.frameStep,
  ffmpeg: datasetShape.ffmpeg,
  trainImages: datasetShape.trainImages,
  testImages: datasetShape.testImages,
})

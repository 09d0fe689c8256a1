import type { BestEpochs, Evaluation } from '@cflow/metrics'
import * as z from 'zod'
import { trialSchema } from './trial.js'

/** A rate in 0..1; null where it cannot be computed. */
const rate = z.number().nullable()
const best = z.object({ value: rate, pass: z.int() })

/** Rates of one evaluation. Absent without ground-truth masks: `pixel` and `aupro`. */
const measuresSchema = z.object({
  image: rate,
  pixel: rate.optional(),
  aupro: rate.optional(),
})
export type Measures = z.infer<typeof measuresSchema>

/** What came of a trial. */
export const resultSchema = z.object({
  trial: trialSchema,
  /** Last epoch, scores by image, exact AUPRO. */
  strict: measuresSchema,
  /** The authors' rules; `best` for flows: each metric's best epoch on the test set, which is what they report. */
  paper: measuresSchema.extend({
    best: z.object({ image: best, pixel: best.optional(), aupro: best.optional() }).optional(),
  }),
  seconds: z.object({ fit: z.number(), evaluate: z.number() }),
  /** Of the detector file; of SPADE, of the encoder and the gallery. */
  bytes: z.number(),
  /** Median of one image, decoding not included. */
  millisecondsPerImage: z.number(),
  /** Good images given to the method, and test images. */
  images: z.object({ train: z.int(), test: z.int() }),
  weights: z.object({ encoder: z.string(), sha256: z.string() }),
  software: z.object({ name: z.string(), version: z.string() }),
  machine: z.string(),
  date: z.string(),
})
export type Result = z.infer<typeof resultSchema>

/** Null for what could not be computed. */
export const known = (value: number): number | null => (Number.isFinite(value) ? value : null)

export function measuresOf({ image, pixel }: Evaluation): Measures {
  return {
    image: known(image.auroc),
    ...(pixel && { pixel: known(pixel.auroc), aupro: known(pixel.aupro) }),
  }
}

/** The best epochs of an evaluation as a result keeps them. */
export function bestOf({ image, pixel, aupro }: BestEpochs): NonNullable<Result['paper']['best']> {
  const kept = ({ value, pass }: BestEpochs['image']) => ({ value: known(value), pass })
  return {
    image: kept(image),
    ...(pixel && { pixel: kept(pixel) }),
    ...(aupro && { aupro: kept(aupro) }),
  }
}

export const metrics = ['image', 'pixel', 'aupro'] as const
export type Metric = (typeof metrics)[number]

/** A metric under the authors' rules as they report it: of flows the best epoch. */
export const reported = ({ paper }: Result, metric: Metric): number | null | undefined =>
  paper.best ? paper.best[metric]?.value : paper[metric]

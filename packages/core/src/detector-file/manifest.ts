import { CflowError } from '@cflow/base'
import * as z from 'zod'
import { flowConfigSchema } from '../flow/flow.js'
import { resizeSchema } from './preprocess.js'
import { aggregationSchema, scaleStatisticsSchema } from '../score/aggregation.js'

/** Key of the model's metadata that holds the manifest. */
export const manifestKey = 'cflow'

const finite = z.number()
const triple = z.tuple([finite, finite, finite])

/** One feature map of an encoder at an input size. */
const tapSchema = z.strictObject({
  name: z.string(),
  channels: z.int().positive(),
  /** Input pixels per step of the feature map. */
  stride: z.number().positive(),
  height: z.int().positive(),
  width: z.int().positive(),
  /** Side of the neighbourhood that every position is the mean of; 1 when absent. */
  neighbourhood: z.int().positive().optional(),
})
export type Tap = Readonly<z.infer<typeof tapSchema>>

/** What a detector file says of itself: JSON in the model's metadata under `cflow`. */
const manifestSchema = z.object({
  format: z.literal('cflow-detector'),
  /** Of this schema; files of a later version are refused. */
  version: z.literal(1),
  software: z.object({ name: z.string(), version: z.string() }),
  /** How the detector works (see @cflow/methods). */
  method: z.string().default('cflow'),
  /** What its authors call the method. */
  title: z.string().optional(),
  /** Settings of a method other than CFLOW-AD, by name: for people. */
  settings: z.record(z.string(), z.union([z.number(), z.string(), z.boolean()])).optional(),
  category: z.string(),
  encoder: z.object({
    name: z.string(),
    /** SHA-256 of the ONNX file that the encoder was read from, for one that is not built in. */
    digest: z.string().optional(),
    /** Present where the graph takes one image at a time. */
    batch: z.literal(1).optional(),
    mean: triple,
    std: triple,
    taps: z.array(tapSchema).min(1),
  }),
  /** S: images are resized to S×S pixels, and anomaly maps have that size. */
  inputSize: z.int().positive(),
  /** How images come to the square; `stretch` when absent. The anomaly map covers the image either way. */
  resize: resizeSchema.optional(),
  recipe: z.string(),
  /** Per scale; none in methods other than CFLOW-AD. */
  flows: z.array(flowConfigSchema),
  /** Of a detector of flows that also remembers feature vectors: the last of `scales` is the distance to the nearest one. */
  memory: z.object({ vectors: z.int().positive(), taps: z.array(z.string()) }).optional(),
  /** How scales become one anomaly map; without meaning where `scales` is empty. */
  aggregation: aggregationSchema,
  /** Share of the map's pixels, the highest, whose mean is the score; where absent, the score is their maximum. */
  scoreShare: z.number().positive().max(1).optional(),
  /** Deviation, in pixels of the map, of the Gaussian that it is smoothed with; not at all where absent. */
  smoothing: z.number().positive().optional(),
  /** Per scale, over held-out normal images; the file has an output `log_likelihood_k` for each. */
  scales: z.array(scaleStatisticsSchema),
  calibration: z.object({
    /**
     * Images kept out of training; all images, each judged by a detector that was trained without its fold; or the training
     * images themselves. A rate is guaranteed by the first only.
     */
    source: z.enum(['held-out', 'folds', 'training']),
    /** Number of folds. */
    folds: z.int().min(2).optional(),
    /** Scores of those images, ascending. */
    scores: z.array(finite),
    /** Threshold that `detect` uses when no rate is asked for. */
    falsePositiveRate: finite,
    threshold: finite,
    guaranteed: z.boolean(),
    /** With which the rate holds for this very detector; on average over calibrations when absent. */
    confidence: z.number().gt(0).lt(1).optional(),
    /** False where the images depend on one another, as frames of a video do: then no rate is guaranteed. */
    independent: z.boolean().optional(),
    /** The image whose score is the threshold or next above it, or the highest one, beyond which it was continued. */
    setBy: z.object({ id: z.string(), score: finite }).optional(),
    /** Of defective images that were never learned from: their scores, ascending, and the threshold without them. */
    knownDefects: z.object({ scores: z.array(finite).min(1), conformal: finite }).optional(),
  }),
  training: z.object({
    seed: z.int(),
    images: z.int(),
    heldOut: z.int(),
    passes: z.number(),
    /** The pass whose state was kept, of each scale. */
    kept: z.array(z.int()).optional(),
    /** Images that are (nearly) the same as others, and how many different ones there are; absent where there are none. */
    copies: z.object({ images: z.int().positive(), distinct: z.int().positive() }).optional(),
    /** The images, those that were held out too, by 64 bits of SHA-256 of what was decoded: to tell them from new ones. */
    digests: z.array(z.string()).optional(),
    /** SHA-256 over the training images' pixels, in order; of the checkpoint for flows that were trained elsewhere. */
    digest: z.string(),
    /** Images that were left out because they fit the others badly (`dropSuspicious`). */
    dropped: z.int().positive().optional(),
  }),
  /** What was added to the detector after its training, in order; `training` is that of its first images. */
  history: z
    .array(
      z.object({
        /** As it was given; files hold no date of their own. */
        date: z.string().optional(),
        images: z.int().positive(),
        /** SHA-256 over those images' pixels, in order. */
        digest: z.string(),
        threshold: z.object({ before: finite, after: finite }),
      }),
    )
    .optional(),
  /** How weights are stored and products computed; float32 where it is absent. */
  precision: z.enum(['float32', 'float16', 'int8']).optional(),
  /** Of an int8 file, the layers that compute in float. */
  keptInFloat: z.array(z.string()).optional(),
})
export type Manifest = z.infer<typeof manifestSchema>

/** Titles of the methods of files that do not say it themselves. */
const earlierTitles: Readonly<Record<string, string>> = {
  cflow: 'CFLOW-AD',
  padim: 'PaDiM',
  dfr: 'DFR',
  differnet: 'DifferNet',
}

/** What the authors of a detector's method call it. */
export const methodTitle = ({ method, title }: Manifest): string =>
  title ?? earlierTitles[method] ?? method

/**
 * The manifest of a model from its metadata.
 * @throws CflowError MODEL when there is none, or it is not one this version can read
 */
export function parseManifest(metadata: Readonly<Record<string, string>>): Manifest {
  const text = metadata[manifestKey]
  const foreign = (why: string) =>
    new CflowError('MODEL', `not a CFLOW detector: ${why}`, {
      hint: 'detectors are the model.onnx files that `cflow train` writes',
    })
  if (text === undefined) throw foreign(`the model's metadata hold no "${manifestKey}"`)
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw foreign('its manifest is not JSON')
  }
  const version = (json as { version?: unknown } | null)?.version
  if (typeof version === 'number' && version > 1)
    throw new CflowError(
      'MODEL',
      `the detector was made by a later version (manifest ${version})`,
      {
        hint: 'update @cflow packages',
      },
    )
  const parsed = manifestSchema.safeParse(json)
  if (!parsed.success) throw foreign(z.prettifyError(parsed.error))
  return parsed.data
}

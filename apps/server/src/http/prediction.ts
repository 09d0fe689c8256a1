import { CflowError } from '@cflow/base'
import * as z from 'zod'
import type { Prediction } from '../engine/engine.js'
import { versionSchema } from './schemas.js'

const includes = ['heat_map', 'mask', 'anomaly_map'] as const
export type Include = (typeof includes)[number]

const regionSchema = z
  .object({
    x: z.int(),
    y: z.int(),
    width: z.int(),
    height: z.int(),
    area: z.int().meta({ description: 'Pixels.' }),
    peak: z.object({ x: z.int(), y: z.int(), value: z.number() }),
  })
  .meta({ id: 'Region', description: 'Connected anomalous pixels, in pixels of the image.' })

export const predictionSchema = z
  .object({
    name: z.string().optional(),
    anomaly_score: z.number(),
    anomaly_threshold: z.number(),
    is_anomalous: z.boolean().meta({ description: 'anomaly_score > anomaly_threshold' }),
    p_value: z.number().meta({ description: 'Share of good images that would score as high.' }),
    false_positive_rate: z.number(),
    guaranteed: z.boolean(),
    promise: z
      .object({
        kind: z.enum(['average', 'confidence', 'none']),
        rate: z.number(),
        images: z.int(),
        limit: z.number().optional(),
        text: z.string(),
      })
      .optional()
      .meta({ description: 'What the threshold is worth; absent for one of your own.' }),
    regions: z.array(regionSchema),
    width: z.int(),
    height: z.int(),
    milliseconds: z.number().meta({ description: 'Of the model’s run, this image’s part.' }),
    heat_map: z.string().optional().meta({ description: 'PNG over the image, base64.' }),
    mask: z.string().optional().meta({ description: 'PNG, 0 and 255, base64.' }),
    anomaly_map: z
      .object({ width: z.int(), height: z.int(), data: z.string() })
      .optional()
      .meta({ description: 'float32, little-endian, row by row, base64.' }),
  })
  .meta({ id: 'Prediction' })
/** What is asked of a prediction, beside the image. */
export const predictQuery = z.object({
  version: versionSchema.optional().meta({ description: 'The active one when absent.' }),
  false_positive_rate: z.coerce.number().gt(0).lt(1).optional(),
  threshold: z.coerce.number().optional().meta({ description: 'In place of a rate.' }),
  include: z
    .string()
    .max(200)
    .optional()
    .meta({ description: `Of ${includes.join(', ')}, with commas between.` }),
  name: z.string().max(1000).optional().meta({ description: 'What to call the image.' }),
})

/** @throws CflowError USAGE for what cannot be included */
export function includesOf(text: string | undefined): readonly Include[] {
  return (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter(Boolean)
    .map((word) => {
      if ((includes as readonly string[]).includes(word)) return word as Include
      throw new CflowError('USAGE', `there is no ${word} to include`, {
        subject: 'include',
        hint: `There are ${includes.join(', ')}.`,
      })
    })
}

/** Little-endian, whatever the machine is: Node runs on no other. */
export const bytesOfFloats = ({ buffer, byteOffset, byteLength }: Float32Array): Buffer =>
  Buffer.from(buffer, byteOffset, byteLength)

const base64 = ({ buffer, byteOffset, length }: Uint8Array): string =>
  Buffer.from(buffer, byteOffset, length).toString('base64')

/** A prediction as it stands in JSON. */
export function plainPrediction(prediction: Prediction, name?: string) {
  const { score, threshold, anomalous, pValue, promise, regions, map, mask, heatMap } = prediction
  return {
    ...(name !== undefined && { name }),
    anomaly_score: score,
    anomaly_threshold: threshold,
    is_anomalous: anomalous,
    p_value: pValue,
    false_positive_rate: prediction.falsePositiveRate,
    guaranteed: prediction.guaranteed,
    ...(promise && {
      promise: {
        ...{ kind: promise.kind, rate: promise.rate, images: promise.images, text: promise.text },
        ...(promise.limit !== undefined && { limit: promise.limit }),
      },
    }),
    regions: (regions ?? []).map((r) => ({ ...r, peak: { ...r.peak } })),
    ...{
      width: prediction.width,
      height: prediction.height,
      milliseconds: prediction.milliseconds,
    },
    ...(heatMap && { heat_map: base64(heatMap) }),
    ...(mask && { mask: base64(mask) }),
    ...(map && {
      anomaly_map: {
        ...{ width: map.width, height: map.height },
        data: bytesOfFloats(map.data).toString('base64'),
      },
    }),
  }
}

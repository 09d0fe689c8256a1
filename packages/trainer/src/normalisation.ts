import type { EncoderSpec } from '@cflow/encoders'
import * as z from 'zod'

/**
 * What is subtracted from pixels scaled to 0..1, and divided by, before the encoder: `encoder`, what its weights were
 * trained with; `stc`, what the authors use for ShanghaiTech Campus.
 */
export const normalisationSchema = z.enum(['encoder', 'stc'])
export type Normalisation = z.infer<typeof normalisationSchema>

const stc = { mean: [0.5, 0.5, 0.5], std: [0.225, 0.225, 0.225] } as const

/** An encoder that takes its pixels normalised in that way. */
export function normalised(spec: EncoderSpec, normalisation: Normalisation): EncoderSpec {
  return normalisation === 'stc' ? { ...spec, ...stc } : spec
}

import type { Manifest } from '@cflow/core'

/** What a version's record keeps of a manifest: not the scores and digests, which are as many as images. */
export function summaryOf(manifest: Manifest): Readonly<Record<string, unknown>> {
  const { scores, ...calibration } = manifest.calibration
  const { digests: _, ...training } = manifest.training
  return { ...manifest, training, calibration: { ...calibration, images: scores.length } }
}

import { flowHead, type Manifest, type ScaleFlow } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import type { EncoderModel } from '@cflow/encoders'
import { cflow } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import { areIndependent, calibratedDetector, evidenceOf } from './calibrate.js'
import { resizedPixels } from './feature-cache.js'
import { stageProgress, type OnProgress } from './progress.js'
import { inSessionScope } from './session-scope.js'
import { requireImages } from './split.js'

export interface AssembleOptions {
  readonly encoder: EncoderModel
  /** Trained elsewhere; finest scale first. */
  readonly flows: readonly ScaleFlow[]
  /** Good images to calibrate with. */
  readonly samples: readonly Sample[]
  /** Whether the flows were trained without those images: only then is a false-positive rate guaranteed. */
  readonly unseen: boolean
  readonly category: string
  readonly aggregation: Manifest['aggregation']
  readonly falsePositiveRate: number
  /** SHA-256 of the file that the flows come from, for the manifest. */
  readonly digest: string
  readonly runtime: Runtime
  readonly onProgress?: OnProgress
}

/**
 * A detector of flows that were trained elsewhere: statistics and thresholds come from good images, then the file.
 * @throws CflowError TOO_FEW_IMAGES, IMAGE and what the runtime throws
 */
export async function assembleDetector(
  options: AssembleOptions,
): Promise<{ readonly model: Uint8Array; readonly manifest: Manifest }> {
  const { encoder, flows, samples, unseen, category, aggregation, falsePositiveRate } = options
  const hint = 'use the good images that the flows were trained on, or others like them'
  requireImages(samples, 'calibrate with', hint)
  const heldOut = unseen ? samples.length : 0
  const training = { seed: 0, images: 0, heldOut, passes: 0, digest: options.digest }
  return inSessionScope(options.runtime, async (runtime) => {
    const head = flowHead(flows, aggregation)
    const ids = samples.map((s) => s.id)
    const pixels = await resizedPixels(runtime, encoder, samples)
    const report = stageProgress('calibrate', samples.length, options)
    const { model, manifest } = await calibratedDetector(
      runtime,
      encoder,
      { head, manifest: { aggregation } },
      { method: cflow.name, category, recipe: 'paper', training },
      {
        source: unseen ? 'held-out' : 'training',
        independent: areIndependent(samples),
        falsePositiveRate,
        ids,
        found: await evidenceOf(runtime, encoder, head, pixels, report),
      },
    )
    return { model, manifest }
  })
}

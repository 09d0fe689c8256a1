import { CflowError } from '@cflow/base'
import type { Manifest, ScaleFlow } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import type { Runtime } from '@cflow/runtimes'
import { calibratedDetector } from './calibrate.js'
import { areIndependent } from './calibration.js'
import { featureExtractor } from './encoding.js'
import type { EncoderModel } from './encoding.js'
import { minimumImages } from './good-images.js'
import { manifestHead } from './manifest-head.js'
import { ownedRuntime } from './owned.js'
import { ordered } from './pipeline.js'
import { stageProgress } from './progress.js'
import type { OnProgress } from './progress.js'

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
  const { encoder, flows, samples, unseen } = options
  if (samples.length < minimumImages)
    throw new CflowError(
      'TOO_FEW_IMAGES',
      `${samples.length} good image${samples.length === 1 ? '' : 's'} to calibrate with, ${minimumImages} are the least`,
      { hint: 'use the good images that the flows were trained on, or others like them' },
    )
  const runtime = ownedRuntime(options.runtime)
  try {
    const extractor = await featureExtractor(runtime, encoder)
    return await calibratedDetector(
      runtime,
      encoder,
      flows,
      {
        ...manifestHead(encoder),
        method: 'cflow',
        category: options.category,
        recipe: 'paper',
        flows: flows.map((f) => f.config),
        aggregation: options.aggregation,
        training: {
          seed: 0,
          images: 0,
          heldOut: unseen ? samples.length : 0,
          passes: 0,
          digest: options.digest,
        },
      },
      {
        source: unseen ? 'held-out' : 'training',
        independent: areIndependent(samples),
        falsePositiveRate: options.falsePositiveRate,
      },
      () => ordered(samples, async (s) => extractor.resize(await s.load())),
      stageProgress('calibrate', samples.length, options),
    )
  } finally {
    await runtime.releaseAll()
  }
}

import { tensor } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import { detectorNames } from '@cflow/core'
import { resizeMaskNearest } from '@cflow/datasets'
import type { Sample } from '@cflow/datasets'
import { ordered } from './pipeline.js'

/** An image ready for a detector, and its ground truth at the size of the maps. */
export interface LabelledImage {
  readonly sample: Sample
  /** Feeds of a detector: uint8 [1, H, W, 3]. */
  readonly feeds: Readonly<Record<string, Tensor>>
  /** [S, S], 0 or 1; absent where there is no mask. */
  readonly mask?: Uint8Array
}

/** Samples in order, decoded ahead of whoever reads. */
export async function* labelledImages(
  samples: readonly Sample[],
  size: number,
): AsyncGenerator<LabelledImage> {
  const loaded = ordered(samples, async (sample): Promise<LabelledImage> => {
    const image = await sample.load()
    const mask = await sample.loadMask?.()
    const shape = [1, image.height, image.width, 3]
    return {
      sample,
      feeds: { [detectorNames.image]: tensor('uint8', shape, image.data) },
      ...(mask && { mask: resizeMaskNearest(mask, size, size).data }),
    }
  })
  yield* loaded
}

import { ordered, type RgbImage } from '@cflow/base'
import { resizeMaskNearest } from '@cflow/datasets'
import type { Sample } from '@cflow/datasets'

/** A decoded image, and its ground truth at the size of the maps. */
export interface LabelledImage {
  readonly sample: Sample
  readonly image: RgbImage
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
    return {
      sample,
      image,
      ...(mask && { mask: resizeMaskNearest(mask, size, size).data }),
    }
  })
  yield* loaded
}

import { CflowError } from '@cflow/base'
import type { Sample } from '@cflow/datasets'

/** Good images below which nothing sensible can be learned or calibrated. */
export const minimumImages = 5

/** @throws CflowError TOO_FEW_IMAGES */
export function requireImages(samples: readonly Sample[]): void {
  if (samples.length < minimumImages)
    throw new CflowError(
      'TOO_FEW_IMAGES',
      `${samples.length} good image${samples.length === 1 ? '' : 's'} to train on, ${minimumImages} are the least`,
      { hint: '30 to 300 images of good parts make a useful detector' },
    )
}

/** The items themselves, counted as they go by. */
export async function* counted<T>(
  items: AsyncIterable<T>,
  report: (done: number) => void,
): AsyncGenerator<T> {
  let done = 0
  for await (const item of items) {
    yield item
    report(++done)
  }
}

import { CflowError, Random } from '@cflow/base'
import type { Sample } from '@cflow/datasets'
import type { TrainConfig } from './config.js'

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

/** Which images are trained on and which are kept to calibrate with: the same for the same seed and number. */
export function splitHeldOut(
  count: number,
  config: Pick<TrainConfig, 'heldOut' | 'seed'>,
): { readonly training: number[]; readonly heldOut: number[] } {
  const wanted = Math.max(Math.round(count * config.heldOut), Math.min(3, count - 3))
  const n = config.heldOut === 0 ? 0 : wanted
  const order = Array.from(Random.seeded(config.seed, 'held out').permutation(count))
  const ascending = (a: number, b: number) => a - b
  return { heldOut: order.slice(0, n).sort(ascending), training: order.slice(n).sort(ascending) }
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

import { floats } from '@cflow/base'
import { moments } from '@cflow/methods'
import type { Moments } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import { productSession } from '../whiten.js'

/**
 * Sums over feature vectors in one pass; the products run in the runtime, on features shifted by the first ones' mean.
 * @param items feature rows, [rows, depth] each
 */
export async function gatherMoments(
  runtime: Runtime,
  depth: number,
  rows: number,
  items: AsyncIterable<Float32Array>,
): Promise<Moments> {
  const session = await productSession(runtime, depth, rows)
  let sums: Moments | undefined
  for await (const item of items) {
    const s = (sums ??= moments(depth, item))
    const centred = new Float32Array(item.length)
    for (let i = 0; i < item.length; i++) {
      const v = item[i]! - s.shift[i % depth]!
      centred[i] = v
      s.sum[i % depth]! += v
    }
    s.count += rows
    await session.run({ x: floats('float32', [rows, depth], centred) })
  }
  const total = (await session.getState())['total']?.data as Float32Array
  await session.release()
  sums?.product.set(total)
  return sums as Moments
}

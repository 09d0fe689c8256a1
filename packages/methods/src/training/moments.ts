import { CflowError, floats, zeros } from '@cflow/base'
import { featureSums, type FeatureSums } from '@cflow/core'
import { add, constant, gemm, input, mul, sub, writeOnnx, type Value } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'

/**
 * First and second moments of feature vectors in one pass. Products run in the runtime, on features that are shifted,
 * which keeps float32 sums accurate.
 * @param rows vectors of one item
 * @param shiftOf what is subtracted, from the first item: [depth], or [rows, depth] for sums at every position
 * @param rounded whether the sums are those of the shifted features as float32 or before they are rounded
 */
export async function momentsPass(
  runtime: Runtime,
  depth: number,
  rows: number,
  shiftOf: (first: Float32Array) => Float32Array,
  rounded: boolean,
) {
  const total = input('total', 'float32', [depth, depth])
  const x = input('x', 'float32', [rows, depth])
  const next = add(total, gemm(x, x, { transA: true }))
  const session = await runtime.createSession(writeOnnx({ next }), { state: { next: 'total' } })
  session.setState({ total: zeros('float32', [depth, depth]) })
  let sums: FeatureSums | undefined
  return {
    /** Account for one item. @param item its vectors, [rows, depth] */
    async add(item: Float32Array): Promise<void> {
      if (!sums) {
        const shift = Float32Array.from(shiftOf(item))
        sums = featureSums(depth, shift.length / depth, shift)
      }
      const { shift, sum } = sums
      const shifted = new Float32Array(item.length)
      for (let from = 0; from < item.length; from += shift.length) {
        for (let i = 0; i < shift.length; i++) {
          const v = item[from + i]! - shift[i]!
          shifted[from + i] = v
          sum[i]! += rounded ? shifted[from + i]! : v
        }
        sums.images++
      }
      await session.run({ x: floats('float32', [rows, depth], shifted) })
    },
    /** The sums, of at least one item; the pass is over. */
    async finish(): Promise<FeatureSums> {
      const found = sums as FeatureSums
      found.product.set((await session.getState())['total']?.data as Float32Array)
      await session.release()
      return found
    },
  }
}

/** Sums over feature vectors while they are gathered. */
export type MomentsPass = Awaited<ReturnType<typeof momentsPass>>

/** Moments of the channels, over vectors wherever they are; shifted by the mean of the first item. */
export const channelMoments = (
  runtime: Runtime,
  depth: number,
  rows: number,
): Promise<MomentsPass> => momentsPass(runtime, depth, rows, (item) => meanRow(item, depth), false)

/** Mean of rows [n, depth]. */
export function meanRow(rows: Float32Array, depth: number): Float32Array {
  const mean = new Float32Array(depth)
  const n = rows.length / depth
  for (let i = 0; i < rows.length; i++) mean[i % depth]! += rows[i]! / n
  return mean
}

/** Mean and deviation of every channel. */
export interface Standardisation {
  readonly mean: Float32Array
  /** Positive. */
  readonly deviation: Float32Array
}

/** A channel that varies less than this share of the mean deviation is taken to vary so much. */
const minDeviation = 1e-3

/**
 * Channel statistics and the correlation matrix, [depth, depth], of sums over vectors (those of one position).
 * @throws CflowError SHAPE when the features hold no variance or no number
 */
export function standardise(
  sums: FeatureSums,
): Standardisation & { readonly correlation: Float64Array } {
  const { depth: d, images: count } = sums
  const centre = sums.sum.map((s) => s / count)
  const variance = centre.map((c, i) => Math.max(sums.product[i * d + i]! / count - c * c, 0))
  const typical = Math.sqrt(variance.reduce((a, b) => a + b, 0) / d)
  if (!(typical > 0) || !Number.isFinite(typical))
    throw new CflowError('SHAPE', 'the features of the training images do not vary', {
      hint: 'are all images the same?',
    })
  const deviation = variance.map((v) => Math.max(Math.sqrt(v), minDeviation * typical))
  const correlation = new Float64Array(d * d)
  for (let i = 0; i < d; i++)
    for (let j = 0; j < d; j++)
      correlation[i * d + j] =
        (sums.product[i * d + j]! / count - centre[i]! * centre[j]!) /
        (deviation[i]! * deviation[j]!)
  return {
    mean: Float32Array.from(centre, (c, i) => sums.shift[i]! + c),
    deviation: Float32Array.from(deviation),
    correlation,
  }
}

/** (x − mean)/deviation of rows [R, depth]. */
export function standardised(rows: Value, { mean, deviation }: Standardisation): Value {
  const row = (values: ArrayLike<number>) => constant(floats('float32', [1, values.length], values))
  return mul(sub(rows, row(mean)), row(deviation.map((s) => 1 / s)))
}

import { floats, zeros } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import { featureSums, whiteningFrom } from '@cflow/core'
import type { FeatureSums, Whitening } from '@cflow/core'
import { add, constant, gemm, input, reshape, sub, writeOnnx } from '@cflow/graph'
import type { Runtime, Session } from '@cflow/runtimes'
import type { ScaleShape } from './encoding.js'
import type { Features, TrainingImages } from './images.js'

/**
 * Estimate a whitening for every scale in one pass over the images. The sums of products run in the runtime; features
 * are shifted by the first image's, which keeps float32 sums accurate.
 */
export async function estimateWhitening(
  runtime: Runtime,
  scales: readonly ScaleShape[],
  images: TrainingImages,
  indices: readonly number[],
  shrinkage: number,
  onImage: (done: number) => void,
): Promise<Whitening[]> {
  const sessions: Session[] = []
  for (const { depth, height, width } of scales)
    sessions.push(await productSession(runtime, depth, height * width))
  const sums: FeatureSums[] = []
  let done = 0
  for await (const features of images.features(indices)) {
    for (const [k, rows] of features.entries()) {
      const { depth, height, width } = scales[k] as ScaleShape
      const s = (sums[k] ??= featureSums(depth, height * width, rows.slice()))
      const centred = new Float32Array(rows.length)
      for (let i = 0; i < rows.length; i++) {
        centred[i] = rows[i]! - s.shift[i]!
        s.sum[i]! += centred[i]!
      }
      s.images++
      await (sessions[k] as Session).run({ x: floats('float32', [height * width, depth], centred) })
    }
    onImage(++done)
  }
  const result: Whitening[] = []
  for (const [k, session] of sessions.entries()) {
    const s = sums[k] as FeatureSums
    s.product.set((await session.getState())['total']?.data as Float32Array)
    await session.release()
    result.push(whiteningFrom(s, shrinkage))
  }
  return result
}

/** Carries Σ xᵀx from run to run, as the state `total` [depth, depth]; feed `x` [rows, depth]. */
export async function productSession(
  runtime: Runtime,
  depth: number,
  rows: number,
): Promise<Session> {
  const total = input('total', 'float32', [depth, depth])
  const x = input('x', 'float32', [rows, depth])
  const next = add(total, gemm(x, x, { transA: true }))
  const session = await runtime.createSession(writeOnnx({ next }), { state: { next: 'total' } })
  session.setState({ total: zeros('float32', [depth, depth]) })
  return session
}

/** Turns features into whitened features, L⁻¹(z − μ), scale by scale. */
export interface Whitener {
  apply(features: Features): Promise<Features>
  release(): Promise<void>
}

export async function whitener(
  runtime: Runtime,
  whitenings: readonly Whitening[],
): Promise<Whitener> {
  const sessions: Session[] = []
  for (const w of whitenings) {
    const x = input('x', 'float32', [w.positions, w.depth])
    const mean = constant(floats('float32', [w.positions, w.depth], w.mean))
    const matrix = constant(floats('float32', [w.depth, w.depth], w.matrix))
    const y = gemm(sub(x, mean), matrix, { transB: true })
    sessions.push(await runtime.createSession(writeOnnx({ y: reshape(y, [w.positions, w.depth]) })))
  }
  return {
    async apply(features) {
      const out: Float32Array[] = []
      for (const [k, rows] of features.entries()) {
        const w = whitenings[k] as Whitening
        const x = floats('float32', [w.positions, w.depth], rows)
        const got = await (sessions[k] as Session).run({ x })
        out.push((got['y'] as Tensor<'float32'>).data)
      }
      return out
    },
    async release() {
      for (const s of sessions) await s.release()
    },
  }
}

import { floats, tensor, type Tensor } from '@cflow/base'
import { whiteningFrom, type Tap, type Whitening } from '@cflow/core'
import { constant, gemm, input, reshape, sub, writeOnnx } from '@cflow/graph'
import type { Runtime, Session } from '@cflow/runtimes'
import type { Features, Job } from '../method.js'
import { momentsPass, type MomentsPass } from '../training/moments.js'

/** The whitening of every tap, estimated in one pass over the training images. */
export async function estimateWhitenings(
  job: Job<{ readonly shrinkage: number }>,
): Promise<readonly Whitening[]> {
  const { runtime, encoder, training, config } = job
  const positionsOf = ({ height, width }: Tap) => height * width
  const estimated = await job.once('whitening', () =>
    job.timed('encode', async () => {
      const report = job.progress('encode', training.length)
      const passes: MomentsPass[] = []
      for (const tap of encoder.taps)
        passes.push(
          await momentsPass(runtime, tap.channels, positionsOf(tap), (first) => first, true),
        )
      let done = 0
      for await (const features of job.features.of(training)) {
        for (const [k, pass] of passes.entries()) await pass.add(features[k] as Float32Array)
        report(++done)
      }
      const tensors: Record<string, Tensor> = {}
      for (const [k, pass] of passes.entries()) {
        const w = whiteningFrom(await pass.finish(), config.shrinkage)
        tensors[`mean${k}`] = tensor('float32', [w.positions, w.depth], w.mean)
        tensors[`matrix${k}`] = tensor('float32', [w.depth, w.depth], w.matrix)
        tensors[`logDeterminant${k}`] = floats('float64', [1], [w.logDeterminant])
      }
      return tensors
    }),
  )
  return encoder.taps.map((tap, k) => ({
    depth: tap.channels,
    positions: positionsOf(tap),
    mean: estimated[`mean${k}`]?.data as Float32Array,
    matrix: estimated[`matrix${k}`]?.data as Float32Array,
    logDeterminant: estimated[`logDeterminant${k}`]?.data[0] as number,
  }))
}

/** Turns features into whitened features, L⁻¹(z − μ), tap by tap. */
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

import { floats, tensor, type Tensor } from '@cflow/base'
import { whiteningFrom, type Tap, type Whitening } from '@cflow/core'
import { constant, gemm, input, reshape, sub, writeOnnx } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import { encodeAll, type Features, type Job } from '../method.js'
import { momentsPass, type MomentsPass } from '../training/moments.js'

/** The whitening of every tap, estimated in one pass over the training images. */
export async function estimateWhitenings(
  job: Job<{ readonly shrinkage: number }>,
): Promise<readonly Whitening[]> {
  const { runtime, encoder, config } = job
  const positionsOf = ({ height, width }: Tap) => height * width
  const estimated = await job.once('whitening', async () => {
    const passes: MomentsPass[] = []
    for (const tap of encoder.taps)
      passes.push(
        await momentsPass(runtime, tap.channels, positionsOf(tap), (first) => first, true),
      )
    await encodeAll(job, async (features) => {
      for (const [k, pass] of passes.entries()) await pass.add(features[k] as Float32Array)
    })
    return job.timed('whiten', async () => {
      const tensors: Record<string, Tensor> = {}
      for (const [k, pass] of passes.entries()) {
        const w = whiteningFrom(await pass.finish(), config.shrinkage)
        tensors[`mean${k}`] = tensor('float32', [w.positions, w.depth], w.mean)
        tensors[`matrix${k}`] = tensor('float32', [w.depth, w.depth], w.matrix)
        tensors[`logDeterminant${k}`] = floats('float64', [1], [w.logDeterminant])
      }
      return tensors
    })
  })
  return encoder.taps.map((tap, k) => ({
    depth: tap.channels,
    positions: positionsOf(tap),
    mean: estimated[`mean${k}`]?.data as Float32Array,
    matrix: estimated[`matrix${k}`]?.data as Float32Array,
    logDeterminant: estimated[`logDeterminant${k}`]?.data[0] as number,
  }))
}

/** Turns features into whitened features, L⁻¹(z − μ), tap by tap. */
export async function whitener(
  runtime: Runtime,
  whitenings: readonly Whitening[],
): Promise<(features: Features) => Promise<Features>> {
  const outputs = whitenings.map(({ positions, depth, mean, matrix }, k) => {
    const shape = [positions, depth]
    const centred = sub(input(`x${k}`, 'float32', shape), constant(floats('float32', shape, mean)))
    const factor = constant(floats('float32', [depth, depth], matrix))
    return [`y${k}`, reshape(gemm(centred, factor, { transB: true }), shape)] as const
  })
  const session = await runtime.createSession(writeOnnx(Object.fromEntries(outputs)))
  return async (features) => {
    const feeds = whitenings.map(({ positions, depth }, k) => {
      const rows = features[k] as Float32Array
      return [`x${k}`, tensor('float32', [positions, depth], rows)] as const
    })
    const got = await session.run(Object.fromEntries(feeds))
    return outputs.map(([name]) => got[name]?.data as Float32Array)
  }
}

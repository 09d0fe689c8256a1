import { Random, tensor } from '@cflow/base'
import { conditionSize } from '@cflow/core'
import type { EncoderModel } from '@cflow/encoders'
import { constant, gemm, input, writeOnnx } from '@cflow/graph'
import { encoderOperations, emptyEncoder } from './complexity/complexity.js'
import { flowOperations, positionsOf } from './complexity/flow.js'
import { isPending } from './conduct/run-trial.js'
import { settingsOf } from './conduct/settings.js'
import type { Laboratory } from './laboratory.js'
import type { Trial } from './trial.js'

/** Share of the speed of a large product that small mini-batches and everything else leave. */
const efficiency = { small: 0.3, large: 0.5 }

/** Trials that are to be run, and about how long they take. */
export interface Estimate {
  readonly pending: number
  readonly seconds: number
}

/** About how long the trials take whose results are not stored and whose images and weights are there. */
export async function estimate(
  trials: readonly Trial[],
  laboratory: Laboratory,
): Promise<Estimate> {
  const speed = await operationsPerSecond(laboratory)
  const encoders = new Map<string, { readonly model: EncoderModel; readonly encode: number }>()
  let [pending, seconds] = [0, 0]
  for (const trial of trials) {
    laboratory.watch.signal?.throwIfAborted()
    if (!(await isPending(trial, laboratory))) continue
    pending++
    const { flow: config } = settingsOf(trial)
    const key = `${trial.encoder} ${trial.inputSize}`
    const { model, encode } = encoders.get(key) ?? counted(trial)
    encoders.set(key, { model, encode })
    // the lists of a large dataset of videos take long to make: a scene has about 20,000 frames
    const counts = trial.data.set === 'stc'
      ? { train: 20_000 / trial.data.frameStep, test: 3600 }
      : await laboratory.resources.dataset(trial).then((d) => ({ train: d.train.length, test: d.test.length })) // prettier-ignore
    const scales = model.taps.slice(-trial.poolLayers)
    const once = (counts.train + 2 * counts.test) * encode
    if (!config) {
      const d = scales.reduce((n, s) => n + s.channels, 0)
      const positions = positionsOf(scales[0] as (typeof scales)[number])
      // vectors that a position is compared with, or as much work
      const vectors = { spade: 50 * positions, patchcore: 10_000 }[trial.method as string] ?? 1000
      const perImage = positions * d * vectors
      seconds += (once + counts.test * perImage) / (speed * efficiency.large)
      continue
    }
    const condition = config.conditional ? conditionSize : 0
    const flow = scales.reduce((n, s) => n + positionsOf(s) * flowOperations({ ...config, condition, depth: s.channels }), 0) // prettier-ignore
    const passes = config.passes * counts.train
    const epochs = Math.min(25, config.passes) * counts.test * (encode + flow)
    const training = passes * 3 * flow
    const small = config.miniBatch < 1024 ? efficiency.small : efficiency.large
    const encodings = config.rotation > 0 ? passes * encode : 0
    seconds += (once + encodings + epochs) / (speed * efficiency.large) + training / (speed * small)
  }
  return { pending, seconds }
}

function counted({ encoder, inputSize }: Trial) {
  const model = emptyEncoder(encoder, inputSize)
  return { model, encode: encoderOperations(model) }
}

/** Multiply–accumulate operations a second of a large product on this machine as it is now. */
async function operationsPerSecond({ runtime }: Laboratory): Promise<number> {
  const n = 768
  const random = Random.seeded(0)
  const data = Float32Array.from({ length: n * n }, () => random.uniform(-1, 1))
  const matrix = tensor('float32', [n, n], data)
  const product = gemm(input('x', 'float32', [n, n]), constant(matrix))
  const session = await runtime.createSession(writeOnnx({ y: product }))
  await session.run({ x: matrix })
  const began = performance.now()
  for (let i = 0; i < 3; i++) await session.run({ x: matrix })
  const seconds = (performance.now() - began) / 3000
  await session.release()
  return n ** 3 / seconds
}

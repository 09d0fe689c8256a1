import { CflowError, messageOf, type Tensor } from '@cflow/base'
import { detectorNames } from '@cflow/core'
import { openRuntime, type Runtime } from '@cflow/runtimes'
import { int8Feeds, openTraining, type Example } from './example.js'

/** What was found of one device. */
export interface Examined {
  /** As `--device` takes it. */
  readonly device: string
  readonly available: boolean
  /** Why it cannot be used, and what would change that. */
  readonly reason?: string
  readonly hint?: string
  readonly can: { readonly detect: boolean; readonly train: boolean; readonly int8: boolean }
  /** Images a second, one at a time. */
  readonly imagesPerSecond?: number
  /** Feature vectors a second in training. */
  readonly vectorsPerSecond?: number
  /** Largest relative difference of scores and losses from those of the first device that can do it. */
  readonly apart?: number
  /** What it could not do, by what it was asked. */
  readonly failures: Readonly<Record<string, string>>
}

/** What the first device gave, which the others are compared with. */
export interface Reference {
  score?: number
  losses?: readonly number[]
  int8?: Float32Array
}

/** A share of something that is small enough to be rounding. */
const [scoreTolerance, lossTolerance, int8Tolerance] = [1e-2, 1e-3, 0.05]
const comparedSteps = 3

/**
 * Open a device and measure what it does.
 * @param milliseconds for each of the two measurements; something that takes longer is done twice
 */
export async function examine(
  device: string,
  example: Example,
  reference: Reference,
  milliseconds: number,
  { signal, threads }: { readonly signal: AbortSignal; readonly threads?: number | undefined },
  open: typeof openRuntime = openRuntime,
): Promise<Examined> {
  const cannot = { detect: false, train: false, int8: false }
  let runtime: Runtime
  try {
    runtime = await open({ device, ...(threads !== undefined && { threads }) })
  } catch (error) {
    const hint = error instanceof CflowError ? error.hint : undefined
    return { device, available: false, reason: messageOf(error), ...(hint !== undefined && { hint }), can: cannot, failures: {} } // prettier-ignore
  }
  const failures: Record<string, string> = {}
  let apart = 0
  /** @returns what the work gives; undefined where it fails, with the reason among the failures */
  const attempt = async <T>(name: string, work: () => Promise<T>): Promise<T | undefined> => {
    signal.throwIfAborted()
    try {
      return await work()
    } catch (error) {
      signal.throwIfAborted()
      failures[name] = messageOf(error)
      return undefined
    }
  }
  /** @throws where a number is another one */
  const compared = (what: string, got: number, expected: number, tolerance: number) => {
    const difference = Math.abs(got - expected) / Math.abs(expected)
    if (!(difference <= tolerance)) throw new Error(`it gives the ${what} ${got} where it is ${expected}`) // prettier-ignore
    apart = Math.max(apart, difference)
  }
  const imagesPerSecond = await attempt('detect', async () => {
    const session = await runtime.createSession(example.detector)
    try {
      let score = NaN
      const rate = await rateOf(milliseconds, signal, async () => {
        const outputs = [detectorNames.anomalyMap, detectorNames.score]
        score = Number((await session.run(example.image, outputs))[detectorNames.score]!.data[0])
      })
      compared('score', score, (reference.score ??= score), scoreTolerance)
      return rate
    } finally {
      await session.release()
    }
  })
  const vectorsPerSecond = await attempt('train', async () => {
    const training = await openTraining(runtime)
    try {
      const losses: number[] = []
      const rate = await rateOf(milliseconds, signal, async () => void losses.push(await training.step())) // prettier-ignore
      const expected = (reference.losses ??= losses)
      const count = Math.min(comparedSteps, losses.length, expected.length)
      for (let i = 0; i < count; i++) compared('loss', losses[i]!, expected[i]!, lossTolerance)
      return training.rows * rate
    } finally {
      await training.release()
    }
  })
  const int8 = await attempt('int8', async () => {
    const session = await runtime.createSession(example.int8)
    const { y } = await session.run(int8Feeds()).finally(() => session.release())
    const got = (y as Tensor<'float32'>).data
    const expected = (reference.int8 ??= got)
    const most = Math.max(...expected.map(Math.abs))
    if (!got.every((v, i) => Math.abs(v - expected[i]!) <= int8Tolerance * most))
      throw new Error('it gives other numbers')
    return true
  })
  return {
    device,
    available: true,
    can: { detect: imagesPerSecond !== undefined, train: vectorsPerSecond !== undefined, int8: int8 === true }, // prettier-ignore
    ...(imagesPerSecond !== undefined && { imagesPerSecond }),
    ...(vectorsPerSecond !== undefined && { vectorsPerSecond }),
    ...((imagesPerSecond ?? vectorsPerSecond) !== undefined && { apart }),
    failures,
  }
}

/**
 * How often a second something can be done. What is done first does not count: accelerators compile their programs then, and
 * try out which are the fastest, for seconds.
 */
async function rateOf(
  milliseconds: number,
  signal: AbortSignal,
  work: () => Promise<void>,
): Promise<number> {
  await work()
  const began = performance.now()
  let count = 0
  do {
    signal.throwIfAborted()
    await work()
    count++
  } while (performance.now() - began < milliseconds)
  return (1000 * count) / (performance.now() - began)
}

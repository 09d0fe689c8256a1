/** What one device of Node does; its numbers beside those that the CPU left. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { examine, type Reference } from '../../apps/cli/src/doctor/examine.js'
import { makeExample, openTraining } from '../../apps/cli/src/doctor/example.js'
import { messageOf, type RgbImage } from '../../packages/base/src/index.js'
import { syntheticDataset } from '../../packages/datasets/src/index.js'
import { loadDetector } from '../../packages/detector/src/index.node.js'
import { exportHalf, exportInt8 } from '../../packages/quantization/src/index.js'
import { contract } from '../../packages/runtimes/src/contract.js'
import { openRuntime, type Runtime } from '../../packages/runtimes/src/index.node.js'
import { trainDetector } from '../../packages/trainer/src/index.node.js'

export interface Measure {
  /** What is measured. */
  readonly device: string
  /** Good images that are trained with, and as many for the threshold's sake and to be scored. */
  readonly images: number
  readonly milliseconds: number
  /** Where the CPU leaves its detectors and numbers for the others. */
  readonly folder: string
  /** Called with all that is known, after every step. */
  readonly onStep: (found: Readonly<Record<string, unknown>>) => void
}

/** What the CPU found, which the others are compared with. */
interface Left {
  readonly reference: Reference
  readonly losses: readonly number[]
  readonly scores: Readonly<Record<string, readonly number[]>>
  readonly threshold: number
}

const batchSizes = [1, 8, 32]
const otherMethods = ['padim', 'patchcore', 'spade', 'dfr', 'differnet'] as const
const lossSteps = 50

export async function measure(asked: Measure): Promise<void> {
  const { device, images: count, milliseconds, folder, onStep } = asked
  const found: Record<string, unknown> = { device }
  const seconds: Record<string, number> = {}
  /** One failure does not lose the rest. */
  const step = async <T>(name: string, work: () => Promise<T>): Promise<T | undefined> => {
    const began = performance.now()
    console.error(`${device} ${name}`)
    try {
      const result = await work()
      found[name] = result
      return result
    } catch (error) {
      found[name] = { failed: messageOf(error) }
      return undefined
    } finally {
      seconds[name] = round((performance.now() - began) / 1000)
      onStep({ ...found, seconds })
    }
  }

  const path = join(folder, 'cpu.json')
  const isFirst = device.endsWith(':cpu')
  const left = !isFirst && existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as Left) : undefined // prettier-ignore
  const reference: Reference = left?.reference ?? {}
  if (reference.int8) reference.int8 = Float32Array.from(Object.values(reference.int8))
  const { signal } = new AbortController()

  const example = await makeExample()
  const doctor = await step('doctor', () => examine(device, example, reference, milliseconds, { signal })) // prettier-ignore
  if (!doctor?.available) return
  const runtime = await openRuntime({ device })

  await step('contract', async () => {
    const failed: Record<string, string> = {}
    for (const { name, run } of contract)
      await run(runtime).catch((error: unknown) => (failed[name] = messageOf(error)))
    return { tests: contract.length, failed }
  })

  let losses: readonly number[] = []
  await step('steps', async () => {
    losses = await lossesOf(runtime)
    return left ? { steps: losses.length, apart: apart(losses, left.losses) } : { steps: losses.length } // prettier-ignore
  })

  const { train, test } = syntheticDataset({ kind: 'cable', size: 256, train: count, test: Math.max(16, count), seed: 0 }) // prettier-ignore
  const load = (samples: typeof train) => Promise.all(samples.map((sample) => sample.load()))
  const [good, tested] = [await load(train), await load(test)]
  const scores: Record<string, readonly number[]> = {}
  let threshold = NaN
  await step('training', async () => {
    const began = performance.now()
    const { model, manifest, seconds: stages } = await trainDetector(good, { runtime })
    const took = (performance.now() - began) / 1000
    threshold = manifest.calibration.threshold
    if (isFirst) writeFileSync(join(folder, 'float32.onnx'), model)
    scores['own'] = await scoresOf(runtime, model, tested)
    return { images: good.length, seconds: took, stages, threshold, ...(left && compared(left, 'own', scores['own'], { threshold })) } // prettier-ignore
  })
  if (isFirst)
    await step('exports', async () => {
      const float = readFileSync(join(folder, 'float32.onnx'))
      writeFileSync(join(folder, 'float16.onnx'), exportHalf(float).model)
      const some = good.slice(0, 16)
      const images = async function* () {
        yield* some
      }
      const { model } = await exportInt8(float, { runtime, images, gate: () => Promise.resolve({ passed: true, text: '' }) }) // prettier-ignore
      writeFileSync(join(folder, 'int8.onnx'), model)
    })
  for (const precision of ['float32', 'float16', 'int8'])
    await step(precision, async () => {
      const file = readFileSync(join(folder, `${precision}.onnx`))
      scores[precision] = await scoresOf(runtime, file, tested)
      return {
        ...(left && compared(left, precision, scores[precision])),
        ...(await throughput(runtime, file, tested, milliseconds)),
      }
    })
  for (const method of otherMethods)
    await step(method, async () => {
      const began = performance.now()
      const { model } = await trainDetector(good.slice(0, 12), { method, runtime, folds: 0 })
      const took = (performance.now() - began) / 1000
      scores[method] = await scoresOf(runtime, model, tested.slice(0, 16))
      return { seconds: took, ...(left && compared(left, method, scores[method])) }
    })
  if (isFirst) writeFileSync(path, JSON.stringify({ reference, losses, scores, threshold }))
}

const round = (value: number) => Number(value.toPrecision(4))

/** The largest relative difference. */
const apart = (got: readonly number[], expected: readonly number[]) =>
  round(Math.max(...got.map((v, i) => Math.abs(v - expected[i]!) / Math.abs(expected[i]!))))

function compared(
  { scores, threshold }: Left,
  name: string,
  got: readonly number[],
  own?: { readonly threshold: number },
) {
  const expected = scores[name] ?? []
  return {
    scoresApart: apart(got, expected),
    ...(own && { thresholdApart: apart([own.threshold], [threshold]) }),
  }
}

async function lossesOf(runtime: Runtime) {
  const training = await openTraining(runtime)
  const losses: number[] = []
  while (losses.length < lossSteps) losses.push(await training.step())
  await training.release()
  return losses
}

async function scoresOf(runtime: Runtime, model: Uint8Array, images: readonly RgbImage[]) {
  const detector = await loadDetector(model, { runtime })
  const found = await detector.detectBatch(images)
  await detector.release()
  return found.map(({ score }) => score)
}

/** Images a second and the median of a call's milliseconds, at each size of batch; and what the GPU's memory holds then. */
async function throughput(
  runtime: Runtime,
  model: Uint8Array,
  images: readonly RgbImage[],
  milliseconds: number,
) {
  const began = performance.now()
  const detector = await loadDetector(model, { runtime })
  const batches: Record<string, unknown> = {}
  const opened = performance.now() - began
  for (const batchSize of batchSizes) {
    const batch = Array.from({ length: batchSize }, (_, i) => images[i % images.length]!)
    const call = async () => {
      const from = performance.now()
      await detector.detectBatch(batch, { batchSize })
      return performance.now() - from
    }
    const first = await call()
    await call()
    const times: number[] = []
    const start = performance.now()
    while (times.length < 3 || performance.now() - start < milliseconds) times.push(await call())
    times.sort((a, b) => a - b)
    const median = times[times.length >> 1]!
    batches[batchSize] = { first: round(first), median: round(median), imagesPerSecond: round((1000 * batchSize) / median), gpuMemory: gpu()?.used } // prettier-ignore
  }
  await detector.release()
  return { load: round(opened), batches, released: gpu()?.used }
}

/** The first NVIDIA GPU, and the MiB that all programs hold of it. */
export function gpu() {
  const { stdout, status } = spawnSync('nvidia-smi', ['--query-gpu=name,driver_version,memory.total,memory.used', '--format=csv,noheader,nounits'], { encoding: 'utf8' }) // prettier-ignore
  if (status !== 0) return undefined
  const [name, driver, total, used] = stdout.split('\n')[0]!.split(', ')
  return { name, driver, total: Number(total), used: Number(used) }
}

import { Random, tensor } from '@cflow/base'
import type { RgbImage, Tensor } from '@cflow/base'
import { detectorNames, detectorStages } from '@cflow/core'
import type { Manifest } from '@cflow/core'
import { decodeImage } from '@cflow/datasets/node'
import type { Runtime, Session as RuntimeSession, Tensors } from '@cflow/runtimes'
import { latencyOf, timed } from './timing.js'
import type { Latency } from './timing.js'

export interface BenchmarkOptions {
  readonly model: Uint8Array
  readonly manifest: Manifest
  readonly runtime: Runtime
  /** Paths of images; one of noise, of the input size, without. */
  readonly paths: readonly string[]
  readonly batches: readonly number[]
  readonly repeats: number
  readonly signal: AbortSignal
}

export interface Benchmark {
  /** Milliseconds to load the model. */
  readonly load: number
  /** Of one image, decoded, to its score and map. */
  readonly latency: Latency
  readonly batches: readonly {
    readonly size: number
    readonly milliseconds: number
    readonly imagesPerSecond: number
  }[]
  /** Median milliseconds for one image; decoding only where there are image files. */
  readonly stages: readonly { readonly name: string; readonly milliseconds: number }[]
  /** Of the process: while one image at a time was scored, and after the largest batch. */
  readonly peakMemoryBytes: { readonly one: number; readonly largestBatch: number }
}

const wanted = [detectorNames.anomalyMap, detectorNames.score]
const peak = (): number => process.resourceUsage().maxRSS * 1024
/** Images that latency is measured over, in turn. */
const mostImages = 16

/** Measure a detector file. */
export async function benchmark(options: BenchmarkOptions): Promise<Benchmark> {
  const { model, manifest, runtime, batches, repeats, signal } = options
  const paths = options.paths.slice(0, mostImages)
  const images =
    paths.length > 0
      ? await Promise.all(paths.map((path) => decodeImage(path)))
      : [noise(manifest.inputSize)]
  const first = images[0] as RgbImage
  const began = performance.now()
  const session = await runtime.createSession(model)
  const load = performance.now() - began
  const latency = latencyOf(
    await timed(
      repeats,
      (i) => session.run(batchOf(images[i % images.length] as RgbImage, 1), wanted),
      signal,
    ),
  )
  const one = peak()
  const rows: Benchmark['batches'][number][] = []
  for (const size of batches) {
    const feed = batchOf(first, size)
    const count = Math.max(3, Math.ceil(repeats / size))
    const { p50 } = latencyOf(await timed(count, () => session.run(feed, wanted), signal))
    rows.push({ size, milliseconds: p50, imagesPerSecond: (1000 * size) / p50 })
  }
  const largestBatch = peak()
  await session.release()
  const stages = [
    ...(await decodeStage(paths, repeats, signal)),
    ...(await graphStages(runtime, model, first, repeats, signal)),
  ]
  return { load, latency, batches: rows, stages, peakMemoryBytes: { one, largestBatch } }
}

async function decodeStage(
  paths: readonly string[],
  repeats: number,
  signal: AbortSignal,
): Promise<Benchmark['stages']> {
  if (paths.length === 0) return []
  const times = await timed(repeats, (i) => decodeImage(paths[i % paths.length] as string), signal)
  return [{ name: 'decode', milliseconds: latencyOf(times).p50 }]
}

async function graphStages(
  runtime: Runtime,
  model: Uint8Array,
  image: RgbImage,
  repeats: number,
  signal: AbortSignal,
): Promise<Benchmark['stages']> {
  const stages: { name: string; milliseconds: number }[] = []
  let known: Tensors = batchOf(image, 1)
  for (const { name, model: part } of detectorStages(model)) {
    const session: RuntimeSession = await runtime.createSession(part)
    const feeds = Object.fromEntries(session.inputs.map((n) => [n, known[n] as Tensor]))
    known = { ...known, ...(await session.run(feeds)) }
    const times = await timed(repeats, () => session.run(feeds), signal)
    stages.push({ name, milliseconds: latencyOf(times).p50 })
    await session.release()
  }
  return stages
}

/** One image, `size` times. */
function batchOf({ width, height, data }: RgbImage, size: number): Record<string, Tensor> {
  const bytes = new Uint8Array(size * data.length)
  for (let i = 0; i < size; i++) bytes.set(data, i * data.length)
  return { [detectorNames.image]: tensor('uint8', [size, height, width, 3], bytes) }
}

function noise(size: number): RgbImage {
  const random = Random.seeded(0, 'benchmark')
  const data = Uint8Array.from({ length: size * size * 3 }, () => random.uniform(0, 256))
  return { width: size, height: size, data }
}

import { Random, imageTensor, type RgbImage, type Tensor } from '@cflow/base'
import { detectorNames, detectorStages, type Manifest } from '@cflow/core'
import { decodeImage } from '@cflow/datasets/node'
import type { Runtime, Tensors } from '@cflow/runtimes'

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

/** Milliseconds of repeated runs. */
interface Latency {
  readonly p50: number
  readonly p90: number
  readonly p99: number
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
const feedOf = (...images: readonly RgbImage[]) => ({
  [detectorNames.image]: imageTensor(...images),
})
/** Images that latency is measured over, in turn. */
const maxImages = 16

/** Measure a detector file. */
export async function benchmark(options: BenchmarkOptions): Promise<Benchmark> {
  const { model, manifest, runtime, batches, repeats, signal } = options
  const paths = options.paths.slice(0, maxImages)
  const images = await Promise.all(paths.map((path) => decodeImage(path)))
  if (images.length === 0) images.push(noise(manifest.inputSize))
  const [first] = images as [RgbImage]
  const began = performance.now()
  const session = await runtime.createSession(model)
  const load = performance.now() - began
  const score = (i: number) => session.run(feedOf(images[i % images.length] as RgbImage), wanted)
  const latency = await timed(repeats, score, signal)
  const one = peak()
  const rows: Benchmark['batches'][number][] = []
  for (const size of batches) {
    const feed = feedOf(...Array.from({ length: size }, () => first))
    const count = Math.max(3, Math.ceil(repeats / size))
    const { p50 } = await timed(count, () => session.run(feed, wanted), signal)
    rows.push({ size, milliseconds: p50, imagesPerSecond: (1000 * size) / p50 })
  }
  const largestBatch = peak()
  await session.release()

  const stages: Benchmark['stages'][number][] = []
  const stage = async (name: string, work: (i: number) => Promise<unknown>) =>
    stages.push({ name, milliseconds: (await timed(repeats, work, signal)).p50 })
  if (paths.length > 0) await stage('decode', (i) => decodeImage(paths[i % paths.length] as string))
  let known: Tensors = feedOf(first)
  for (const { name, model: part } of detectorStages(model)) {
    const partial = await runtime.createSession(part)
    const feeds = Object.fromEntries(partial.inputs.map((n) => [n, known[n] as Tensor]))
    known = { ...known, ...(await partial.run(feeds)) }
    await stage(name, () => partial.run(feeds))
    await partial.release()
  }
  return { load, latency, batches: rows, stages, peakMemoryBytes: { one, largestBatch } }
}

/** Nearest-rank percentiles of `repeats` runs, after some that do not count. */
async function timed(
  repeats: number,
  work: (i: number) => Promise<unknown>,
  signal: AbortSignal,
): Promise<Latency> {
  const times: number[] = []
  for (let i = -Math.min(3, repeats); i < repeats; i++) {
    signal.throwIfAborted()
    const began = performance.now()
    await work(Math.max(i, 0))
    if (i >= 0) times.push(performance.now() - began)
  }
  times.sort((a, b) => a - b)
  const at = (share: number) => times[Math.max(Math.ceil(share * times.length) - 1, 0)] as number
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) }
}

function noise(size: number): RgbImage {
  const random = Random.seeded(0, 'benchmark')
  const data = Uint8Array.from({ length: size * size * 3 }, () => random.uniform(0, 256))
  return { width: size, height: size, data }
}

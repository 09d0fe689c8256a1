/**
 * Size, speed and accuracy of a detector in float32, float16 and int8: one image of 256 pixels at a time with 1 and 2
 * threads, the three in turn so that a busy machine slows all alike. Prints Markdown, then JSON.
 *
 *     node --conditions=@cflow/source --import tsx benchmarks/precision.ts [folder of MVTec AD] [runs]
 *
 * Accuracy: EfficientNet-Lite0 with its own weights, trained on the category transistor of that folder, else on the
 * built-in cable. ResNet-18 and Wide-ResNet-50-2 have random weights (theirs are not in this repository): sizes and speed.
 */
import { Random, tensor } from '../packages/base/src/index.js'
import type { RgbImage } from '../packages/base/src/index.js'
import { detectorNames } from '../packages/core/src/index.js'
import { syntheticDataset } from '../packages/datasets/src/index.js'
import { mvtecDataset } from '../packages/datasets/src/node.js'
import { encoderSpec } from '../packages/encoders/src/index.js'
import { loadEncoderWeights } from '../packages/encoders/src/node.js'
import { accuracyVerdict, exportHalf, exportInt8 } from '../packages/quantization/src/index.js'
import type { Accuracy } from '../packages/quantization/src/index.js'
import { nodeRuntime } from '../packages/runtimes/src/node.js'
import { encoderModel, evaluate, fit, resolveConfig } from '../packages/trainer/src/index.js'
import { randomDetector, randomInt8 } from './random-detector.js'

const [root, count = '15'] = process.argv.slice(2)
const size = 256
const runtime = await nodeRuntime()
const random = Random.seeded(2)
const noise = (): RgbImage => ({
  width: size,
  height: size,
  data: Uint8Array.from({ length: size * size * 3 }, () => random.integer(256)),
})
const calibration = Array.from({ length: 5 }, noise)

interface Row {
  readonly detector: string
  readonly precision: string
  readonly megabytes: number
  /** Median milliseconds an image by threads. */
  readonly milliseconds: Readonly<Record<number, number>>
  /** How many times as fast as float32. */
  readonly speedup: Readonly<Record<number, number>>
  readonly accuracy?: Accuracy
}

type Files = Readonly<Record<string, Uint8Array>>

/** Median milliseconds of every file, run in turn. */
async function timings(files: Files, threads: number): Promise<Record<string, number>> {
  const sessions = await Promise.all(
    Object.entries(files).map(async ([name, bytes]) => {
      const session = await runtime.createSession(bytes, { threads })
      return { name, session, times: [] as number[] }
    }),
  )
  const { width, height, data } = calibration[0] as RgbImage
  const feed = { [detectorNames.image]: tensor('uint8', [1, height, width, 3], data) }
  for (let run = -2; run < Number(count); run++)
    for (const { session, times } of sessions) {
      const began = performance.now()
      await session.run(feed, [detectorNames.score])
      if (run >= 0) times.push(performance.now() - began)
    }
  for (const { session } of sessions) await session.release()
  const median = (t: number[]) => t.sort((a, b) => a - b)[t.length >> 1] as number
  return Object.fromEntries(sessions.map(({ name, times }) => [name, median(times)]))
}

async function rows(
  detector: string,
  files: Files,
  accuracy: Readonly<Record<string, Accuracy>> = {},
): Promise<Row[]> {
  const byThreads = { 1: await timings(files, 1), 2: await timings(files, 2) }
  const each = (value: (times: Record<string, number>) => number) => ({
    1: value(byThreads[1]),
    2: value(byThreads[2]),
  })
  return Object.entries(files).map(([precision, bytes]) => ({
    detector,
    precision,
    megabytes: bytes.length / 1e6,
    milliseconds: each((t) => t[precision] as number),
    speedup: each((t) => (t['float32'] as number) / (t[precision] as number)),
    ...(accuracy[precision] && { accuracy: accuracy[precision] }),
  }))
}

async function untrained(encoder: string): Promise<Row[]> {
  const float32 = randomDetector(encoder)
  const int8 = await randomInt8(float32, runtime)
  return rows(encoder, { float32, float16: exportHalf(float32).model, int8 })
}

async function trained(): Promise<Row[]> {
  const dataset =
    root === undefined
      ? syntheticDataset({ kind: 'cable' })
      : await mvtecDataset(root, 'transistor')
  const config = resolveConfig({})
  const weights = await loadEncoderWeights(config.encoder)
  const encoder = encoderModel(encoderSpec(config.encoder), weights, 3, size)
  const { train: samples, test, category } = dataset
  const { model, manifest } = await fit({ samples, category, config, encoder, runtime })
  const accuracyOf = async (bytes: Uint8Array): Promise<Accuracy> => {
    const { evaluation } = await evaluate({ model: bytes, manifest, samples: test, runtime })
    return { image: evaluation.image.auroc, pixel: evaluation.pixel?.auroc }
  }
  const float32 = await accuracyOf(model)
  const half = exportHalf(model).model
  const int8 = await exportInt8(model, {
    runtime,
    images: async function* () {
      for (const sample of samples) yield await sample.load()
    },
    gate: async (bytes) => accuracyVerdict(float32, await accuracyOf(bytes)),
  })
  console.error(`int8: ${int8.verdict.text}; in float: ${int8.kept.join(', ')}`)
  return rows(
    `${config.encoder}, ${category}`,
    { float32: model, float16: half, int8: int8.model },
    { float32, float16: await accuracyOf(half), int8: await accuracyOf(int8.model) },
  )
}

const table = [
  ...(await untrained('resnet18')),
  ...(await untrained('wide-resnet50-2')),
  ...(await trained()),
]
const rate = (v: number | undefined) => (v === undefined ? '' : v.toFixed(4))
console.log('| detector | precision | MB | ms, 1 thread | × | ms, 2 threads | × | image AUROC | pixel AUROC |') // prettier-ignore
console.log('| --- | --- | --- | --- | --- | --- | --- | --- | --- |')
for (const r of table)
  console.log(
    `| ${[r.detector, r.precision, r.megabytes.toFixed(1), r.milliseconds[1]!.toFixed(1), r.speedup[1]!.toFixed(2), r.milliseconds[2]!.toFixed(1), r.speedup[2]!.toFixed(2), rate(r.accuracy?.image), rate(r.accuracy?.pixel)].join(' | ')} |`, // prettier-ignore
  )
console.log(JSON.stringify(table, null, 2))

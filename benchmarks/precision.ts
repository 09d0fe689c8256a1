/**
 * Size, accuracy and speed of detectors in float32, float16 and int8, as `cflow train` and `cflow export` make them with
 * their defaults (EfficientNet-Lite0, 256 px; int8 calibrated on the training images, behind the gate with labels).
 *
 *     npm run bench:precision -- [--mvtec DIR] [--sets cable,mesh,part,transistor] [--random resnet18,wide-resnet50-2]
 *         [--runs N] [--threads T] [--train-images N] [--passes N]
 *
 * `transistor` needs the folder of MVTec AD. `--random` adds encoders with random weights (theirs are not in this
 * repository): sizes and speed alone. Rows are printed and appended to benchmarks/results/precision.jsonl as they come; what
 * is there already is not run again (delete the file to start afresh). The three files take turns in every timing, so that
 * a busy machine slows all alike.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { CflowError, imageTensor } from '../packages/base/src/index.js'
import { detectorNames } from '../packages/core/src/index.js'
import { syntheticDataset, type Dataset } from '../packages/datasets/src/index.js'
import { openDataset } from '../packages/datasets/src/node.js'
import { encoderModel, encoderSpec } from '../packages/encoders/src/index.js'
import { loadEncoderWeights } from '../packages/encoders/src/node.js'
import { resolveConfig } from '../packages/methods/src/index.js'
import { accuracyVerdict, exportHalf, exportInt8 } from '../packages/quantization/src/index.js'
import type { Accuracy } from '../packages/quantization/src/index.js'
import { openRuntime } from '../packages/runtimes/src/index.node.js'
import { evaluate, fit } from '../packages/trainer/src/index.node.js'
import { median } from './measure.js'
import { noiseImages, randomDetector, randomInt8 } from './random-detector.js'
import { cellText, markdown } from './table.js'

const { values: flags } = parseArgs({
  options: {
    mvtec: { type: 'string' },
    sets: { type: 'string' },
    random: { type: 'string', default: '' },
    runs: { type: 'string', default: '25' },
    threads: { type: 'string', default: '2' },
    'train-images': { type: 'string' },
    passes: { type: 'string' },
  },
})
const list = (text: string) => text.split(',').filter((name) => name !== '')
const threads = Number(flags.threads)
const runtime = await openRuntime({ threads })

const precisions = ['float32', 'float16', 'int8'] as const
type Precision = (typeof precisions)[number]
type Each<T> = Readonly<Partial<Record<Precision, T>>>

interface Row {
  /** What was measured with which settings; equal keys are not measured twice. */
  readonly key: string
  readonly detector: string
  readonly precision: Precision
  readonly megabytes: number
  readonly imagesPerSecond: number
  /** How many times as fast as float32. */
  readonly speedup: number
  readonly accuracy?: Accuracy
  readonly note?: string
}

const folder = new URL('results/', import.meta.url)
const log = new URL('precision.jsonl', folder)
mkdirSync(folder, { recursive: true })
const known: Row[] = existsSync(log)
  ? readFileSync(log, 'utf8').split('\n').filter(Boolean).map((line) => JSON.parse(line) as Row) // prettier-ignore
  : []
const rows: Row[] = []

const cells = (r: Row) => [
  r.detector,
  r.precision,
  r.megabytes,
  r.imagesPerSecond,
  r.speedup,
  r.accuracy && (100 * r.accuracy.image).toFixed(2),
  r.accuracy?.pixel && (100 * r.accuracy.pixel).toFixed(2),
  r.note,
]

/** Median seconds of one image, the files in turn. */
async function timings(files: Each<Uint8Array>): Promise<Each<number>> {
  const open = []
  for (const [name, file] of Object.entries(files))
    open.push({ name, session: await runtime.createSession(file), times: [] as number[] })
  const [image] = noiseImages(1)
  if (!image) throw new Error('no image')
  const feed = { [detectorNames.image]: imageTensor(image) }
  for (let run = -2; run < Number(flags.runs); run++)
    for (const { session, times } of open) {
      const began = performance.now()
      await session.run(feed, [detectorNames.anomalyMap, detectorNames.score])
      if (run >= 0) times.push((performance.now() - began) / 1000)
    }
  for (const { session } of open) await session.release()
  return Object.fromEntries(open.map(({ name, times }) => [name, median(times)]))
}

async function measure(
  key: string,
  detector: string,
  files: Each<Uint8Array>,
  accuracy: Each<Accuracy> = {},
  notes: Each<string> = {},
): Promise<void> {
  const seconds = await timings(files)
  for (const precision of precisions) {
    const file = files[precision]
    const time = seconds[precision] ?? NaN
    const row: Row = {
      key,
      detector,
      precision,
      megabytes: (file?.length ?? NaN) / 1e6,
      imagesPerSecond: 1 / time,
      speedup: (seconds.float32 ?? NaN) / time,
      ...(accuracy[precision] && { accuracy: accuracy[precision] }),
      ...(notes[precision] !== undefined && { note: notes[precision] }),
    }
    show(row)
    appendFileSync(log, `${JSON.stringify(row)}\n`)
  }
}

function show(row: Row): void {
  rows.push(row)
  console.error(cells(row).map(cellText).join('  '))
}

/** Train, export and measure on one set of images. */
async function trained(key: string, name: string, dataset: Dataset): Promise<void> {
  const began = performance.now()
  const stage = (text: string) =>
    console.error(`  ${name}: ${text}, ${((performance.now() - began) / 1000).toFixed(0)} s`)
  const config = resolveConfig(flags.passes ? { passes: Number(flags.passes) } : {})
  const weights = await loadEncoderWeights(config.encoder)
  const spec = encoderSpec(config.encoder)
  const encoder = encoderModel(spec, weights, config.poolLayers, config.inputSize)
  const { train: samples, test, category } = dataset
  const { model } = await fit({ samples, category, config, encoder, runtime })
  stage('trained')
  const accuracyOf = async (bytes: Uint8Array): Promise<Accuracy> => {
    const { evaluation } = await evaluate({ model: bytes, samples: test, runtime })
    return { image: evaluation.image.auroc, pixel: evaluation.pixel?.auroc }
  }
  const float32 = await accuracyOf(model)
  const half = exportHalf(model).model
  const float16 = await accuracyOf(half)
  stage('evaluated in float32 and float16')
  let last = float32
  const int8 = await exportInt8(model, {
    runtime,
    images: async function* () {
      for (const sample of samples) yield await sample.load()
    },
    gate: async (bytes) => accuracyVerdict(float32, (last = await accuracyOf(bytes))),
  }).catch((error: unknown) => {
    if (error instanceof CflowError && error.code === 'ACCURACY') return error
    throw error
  })
  stage('exported to int8')
  const detector = `${config.encoder}, ${name}`
  if (int8 instanceof CflowError)
    await measure(key, detector, { float32: model, float16: half }, { float32, float16 }, { int8: `refused: ${int8.message}` }) // prettier-ignore
  else {
    const { layers, kept, fellBack, method } = int8
    const note = `${layers - kept.length} of ${layers} layers, ${method}; fell back: ${fellBack.map((e) => e.layer).join(', ') || 'none'}`
    await measure(key, detector, { float32: model, float16: half, int8: int8.model }, { float32, float16, int8: last }, { int8: note }) // prettier-ignore
  }
}

const images = flags['train-images']
const drawn = (kind: 'cable' | 'mesh' | 'part') => () =>
  Promise.resolve(syntheticDataset({ kind, ...(images && { train: Number(images), test: 20 }) }))
const sets: Readonly<Record<string, () => Promise<Dataset>>> = {
  cable: drawn('cable'),
  mesh: drawn('mesh'),
  part: drawn('part'),
  ...(flags.mvtec && {
    transistor: () => openDataset({ dataset: 'mvtec', root: flags.mvtec, category: 'transistor' }),
  }),
}
const settings = [`${threads} threads`, images && `${images} images`, flags.passes && `${flags.passes} passes`] // prettier-ignore
const keyOf = (name: string) => [name, ...settings].filter(Boolean).join(', ')

/** Rows that are there already, or measured now. */
async function resumed(name: string, run: (key: string) => Promise<void>): Promise<void> {
  const key = keyOf(name)
  const before = known.filter((r) => r.key === key)
  if (before.length === precisions.length) before.forEach(show)
  else await run(key)
}

for (const name of flags.sets === undefined ? Object.keys(sets) : list(flags.sets)) {
  const open = sets[name]
  if (!open) throw new Error(`there is no set ${name}; there are ${Object.keys(sets).join(', ')}`)
  await resumed(name, async (key) => trained(key, name, await open()))
}
for (const encoder of list(flags.random))
  await resumed(`${encoder}, random`, async (key) => {
    const float32 = randomDetector(encoder)
    const float16 = exportHalf(float32).model
    const int8 = await randomInt8(float32, runtime)
    await measure(key, `${encoder}, random weights`, { float32, float16, int8 })
  })
console.log(
  markdown({
    title: `Precision (256 px, one image at a time, threads: ${threads})`,
    columns: ['detector', 'precision', 'MB', 'images/s', '× float32', 'image AUROC, %', 'pixel AUROC, %', 'int8'], // prettier-ignore
    rows: rows.map(cells),
  }),
)

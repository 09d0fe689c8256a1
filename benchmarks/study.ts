/**
 * The study behind the default recipe: every variant is trained on every set of images, and each training is judged under
 * every aggregation, from the same likelihoods.
 *
 *   node --conditions=@cflow/source --import tsx benchmarks/study.ts --mvtec DIR [--variants a,b] [--sets a,b] [--seeds N]
 *
 * Results are appended to benchmarks/results/study.jsonl as they come; what is there already is not run again. The table is
 * printed as Markdown at the end.
 */
import { imageTensor } from '../packages/base/src/index.js'
import {
  anomalyMap,
  aggregationSchema,
  detectorNames,
  statisticsOf,
} from '../packages/core/src/index.js'
import type { Aggregation } from '../packages/core/src/index.js'
import { resizeMaskNearest, syntheticDataset } from '../packages/datasets/src/index.js'
import type { Dataset, Sample } from '../packages/datasets/src/index.js'
import { openDataset } from '../packages/datasets/src/node.js'
import { encoderModel, encoderSpec } from '../packages/encoders/src/index.js'
import { loadEncoderWeights } from '../packages/encoders/src/node.js'
import {
  resolveConfig,
  type TrainConfig,
  type TrainOptions,
} from '../packages/methods/src/index.js'
import { PixelMetrics, auroc } from '../packages/metrics/src/index.js'
import { openRuntime, type Runtime } from '../packages/runtimes/src/index.node.js'
import { fit, splitHeldOut } from '../packages/trainer/src/index.node.js'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

const { values: flags } = parseArgs({
  options: {
    mvtec: { type: 'string' },
    categories: { type: 'string', default: 'transistor' },
    sets: { type: 'string' },
    variants: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    threads: { type: 'string' },
  },
})

/** What is changed of the default recipe. */
const variants: Readonly<Record<string, TrainOptions<'cflow'>>> = {
  default: {},
  'no training': { passes: 0 },
  '1 pass': { passes: 1 },
  '2 passes': { passes: 2 },
  '8 passes': { passes: 8 },
  '25 passes': { passes: 25 },
  '25 passes + 10 % held out': { passes: 25, heldOut: 0.1 },
  '25 passes + none held out': { passes: 25, heldOut: 0 },
  '25 passes + mini-batch 2048': { passes: 25, miniBatch: 2048 },
  '25 passes + 8 couplings': { passes: 25, couplingLayers: 8 },
  '25 passes + logsigmoid loss': { passes: 25, loss: 'logsigmoid' },
  '25 passes + hard permutations': { passes: 25, permutation: 'hard' },
  '10 % held out': { heldOut: 0.1 },
  '2 couplings': { couplingLayers: 2 },
  '8 couplings': { couplingLayers: 8 },
  'hard permutations': { permutation: 'hard' },
  'soft permutations': { permutation: 'soft' },
  'logsigmoid loss': { loss: 'logsigmoid' },
  'mini-batch 2048': { miniBatch: 2048 },
  'mini-batch 8192': { miniBatch: 8192 },
  'learning rate 3e-4': { learningRate: 3e-4 },
  'learning rate 3e-3': { learningRate: 3e-3 },
  'learning rate 1e-3': { learningRate: 1e-3 },
  'learning rate 5e-3': { learningRate: 5e-3 },
  'learning rate 2e-2': { learningRate: 2e-2 },
  '25 passes + learning rate 3e-3': { passes: 25, learningRate: 3e-3 },
  'shrinkage 0.001': { shrinkage: 0.001 },
  'shrinkage 0.1': { shrinkage: 0.1 },
  unconditional: { conditional: false },
}

const aggregations = aggregationSchema.options.filter((a) => a !== 'paper')

interface Row {
  readonly variant: string
  readonly set: string
  readonly seed: number
  readonly seconds: number
  readonly results: Readonly<Record<string, { pixel: number; aupro: number; image: number }>>
}

const folder = new URL('results/', import.meta.url)
const log = new URL('study.jsonl', folder)
mkdirSync(folder, { recursive: true })
const rows: Row[] = existsSync(log)
  ? readFileSync(log, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Row)
  : []

const threads = flags.threads ? { threads: Number(flags.threads) } : {}
const runtime = await openRuntime(threads)
const sets: Record<string, () => Promise<Dataset>> = {
  mesh: () => Promise.resolve(syntheticDataset({ kind: 'mesh' })),
  cable: () => Promise.resolve(syntheticDataset({ kind: 'cable' })),
  part: () => Promise.resolve(syntheticDataset({ kind: 'part' })),
}
if (flags.mvtec)
  for (const category of flags.categories.split(','))
    sets[category] = () => openDataset({ dataset: 'mvtec', root: flags.mvtec, category })

const chosen = (all: string[], wanted: string | undefined): string[] =>
  wanted ? wanted.split(',').map((w) => w.trim()) : all
for (const variant of chosen(Object.keys(variants), flags.variants))
  for (const set of chosen(Object.keys(sets), flags.sets))
    for (let seed = 0; seed < Number(flags.seeds); seed++) {
      if (rows.some((r) => r.variant === variant && r.set === set && r.seed === seed)) continue
      const options = variants[variant]
      const open = sets[set]
      if (!options || !open)
        throw new Error(`there is no ${options ? 'set' : 'variant'} of that name`)
      const row = await study(variant, set, resolveConfig({ ...options, seed }), await open())
      rows.push(row)
      appendFileSync(log, `${JSON.stringify(row)}\n`)
      process.stderr.write(`${variant}, ${set}, seed ${seed}: ${row.seconds.toFixed(0)} s\n`)
    }
process.stdout.write(table())

async function study(
  variant: string,
  set: string,
  config: TrainConfig,
  dataset: Dataset,
): Promise<Row> {
  const encoder = encoderModel(
    encoderSpec(config.encoder),
    await loadEncoderWeights(config.encoder),
    config.poolLayers,
    config.inputSize,
  )
  const began = performance.now()
  const { model } = await fit({
    samples: dataset.train,
    category: dataset.category,
    config,
    encoder,
    runtime,
  })
  const seconds = (performance.now() - began) / 1000
  const { training, heldOut } = splitHeldOut(dataset.train, config)
  const normal = (heldOut.length > 0 ? heldOut : training).map((i) => dataset.train[i] as Sample)
  const scales = encoder.taps.length
  const calibration = await likelihoods(runtime, model, normal, scales)
  const statistics = encoder.taps.map(({ channels }, k) =>
    statisticsOf(
      channels,
      calibration.map((l) => l[k] as Float32Array),
    ),
  )
  const test = await likelihoods(runtime, model, dataset.test, scales)
  const size = config.inputSize
  const masks = await Promise.all(
    dataset.test.map(async (s) => {
      const mask = await s.loadMask?.()
      return mask ? resizeMaskNearest(mask, size, size).data : new Uint8Array(size * size)
    }),
  )
  const judged = (aggregation: Aggregation) => {
    const pixels = new PixelMetrics()
    const scores = test.map((l, i) => {
      const own = encoder.taps.map((tap, k) => ({ ...tap, data: l[k] as Float32Array }))
      const map = anomalyMap(aggregation, statistics, own, size)
      const narrow = Float32Array.from(map)
      pixels.add(narrow, masks[i] as Uint8Array, size, size)
      return narrow.reduce((a, b) => Math.max(a, b), -Infinity)
    })
    const labels = dataset.test.map((s) => s.label === 'anomalous')
    return { pixel: pixels.auroc(), aupro: pixels.aupro(0.3), image: auroc(scores, labels) }
  }
  return {
    variant,
    set,
    seed: config.seed,
    seconds,
    results: Object.fromEntries(aggregations.map((a) => [a, judged(a)])),
  }
}

/** Likelihoods per dimension of images: per image and scale, [h·w]. */
async function likelihoods(
  runtime: Runtime,
  model: Uint8Array,
  samples: readonly Sample[],
  scales: number,
): Promise<Float32Array[][]> {
  const session = await runtime.createSession(model)
  const names = Array.from({ length: scales }, (_, k) => detectorNames.logLikelihood(k))
  const all: Float32Array[][] = []
  for (const sample of samples) {
    const got = await session.run({ image: imageTensor(await sample.load()) }, names)
    all.push(names.map((n) => Float32Array.from(got[n]?.data as Float32Array)))
  }
  await session.release()
  return all
}

function table(): string {
  const percent = (v: number) => (100 * v).toFixed(2)
  const names = [...new Set(rows.map((r) => r.set))]
  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  const cellsOf = (variant: string, aggregation: string) => {
    const own = rows.filter((r) => r.variant === variant)
    const cells = names.map((set) => {
      const results = own.filter((r) => r.set === set).map((r) => r.results[aggregation]!)
      if (results.length === 0) return '–'
      const of = (key: 'pixel' | 'aupro' | 'image') => percent(mean(results.map((r) => r[key])))
      return `${of('pixel')} / ${of('aupro')} / ${of('image')}`
    })
    return [variant, aggregation, ...cells]
  }
  const head = ['Variant', 'Aggregation', ...names]
  const ofAll = [...new Set(rows.map((r) => r.variant))]
  return [
    'Pixel AUROC / AUPRO to 0.3 / image AUROC, %; mean over seeds.\n\n',
    line(head),
    line(head.map(() => '---')),
    ...ofAll.flatMap((v) => aggregations.map((a) => line(cellsOf(v, a)))),
  ].join('')
}

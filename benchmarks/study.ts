/**
 * The study behind the default recipe: every variant is trained on every set of images as `cflow train` does it, and judged on
 * the set's test images at the stored threshold (strict protocol, last state).
 *
 *   node --conditions=@cflow/source --import tsx benchmarks/study.ts --sets DIR/transistor,DIR/magnetic_tile \
 *     [--built-in mesh,cable,part] [--variants a,b] [--seeds N]
 *
 * Results are appended to benchmarks/results/study.jsonl as they come; what is there already is not run again. Two tables are
 * printed as Markdown at the end: variants × sets, and the choice that leaves each set out: the variant that is best on the
 * others, judged on the one left out.
 */
import { syntheticDataset } from '../packages/datasets/src/index.js'
import type { Dataset } from '../packages/datasets/src/index.js'
import { openDataset } from '../packages/datasets/src/node.js'
import { encoderModel, encoderSpec } from '../packages/encoders/src/index.js'
import { loadEncoderWeights } from '../packages/encoders/src/node.js'
import { resolveConfig, type TrainConfig } from '../packages/methods/src/index.js'
import { openRuntime } from '../packages/runtimes/src/index.node.js'
import { evaluate, fit } from '../packages/trainer/src/index.node.js'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { parseArgs } from 'node:util'

const { values: flags } = parseArgs({
  options: {
    sets: { type: 'string', default: '' },
    'built-in': { type: 'string', default: 'mesh,cable,part' },
    variants: { type: 'string' },
    seeds: { type: 'string', default: '1' },
    threads: { type: 'string' },
  },
})

/** What is changed of the default recipe; a method of its own is that method's default. */
const variants: Readonly<Record<string, Parameters<typeof resolveConfig>[0]>> = {
  default: {},
  'first default': {
    neighbourhoods: '1',
    remembered: 0,
    aggregation: 'calibrated',
    scoreShare: 0,
    smoothing: 0,
    passes: 4,
  },
  PatchCore: { method: 'patchcore' },
  Lite2: { encoder: 'efficientnet-lite2' },
  'neighbourhoods 1+3,1+3,3': { neighbourhoods: '1+3,1+3,3', smoothing: 0 },
  'smoothing 0': { smoothing: 0 },
  'neighbourhoods 1': { neighbourhoods: '1', smoothing: 0 },
  'neighbourhoods 3': { neighbourhoods: '3', smoothing: 0 },
  'remembered 0': { remembered: 0 },
  'remembered 2500': { remembered: 2500 },
  'calibrated aggregation': { aggregation: 'calibrated' },
  'no training': { passes: 0 },
  '12 passes': { passes: 12 },
  'PatchCore with Lite2': { method: 'patchcore', encoder: 'efficientnet-lite2' },
  '320 pixels': { inputSize: 320 },
  'additive couplings': { coupling: 'additive' },
  'refitted base': { base: 'refitted' },
  'two image scales': { imageScales: 2 },
  'four pool layers': { poolLayers: 4 },
  padded: { resize: 'pad' },
  'brightness 0.1': { brightness: 0.1 },
}

interface Row {
  readonly variant: string
  readonly set: string
  readonly seed: number
  /** Of the training. */
  readonly seconds: number
  /** Of one image, at one image a time. */
  readonly milliseconds: number
  readonly megabytes: number
  readonly image: number
  readonly pixel: number
  readonly aupro: number
  /** Shares above the stored threshold, of defects and of good images. */
  readonly found: number
  readonly falseAlarms: number
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

const runtime = await openRuntime(flags.threads ? { threads: Number(flags.threads) } : {})
const listed = (list: string): string[] => list.split(',').filter(Boolean)
const sets = new Map<string, () => Promise<Dataset>>()
for (const path of listed(flags.sets)) {
  const category = basename(path)
  sets.set(category, () => openDataset({ dataset: 'mvtec', root: dirname(path), category }))
}
for (const kind of listed(flags['built-in']))
  sets.set(kind, () => Promise.resolve(syntheticDataset({ kind: kind as 'mesh' })))
const chosen = flags.variants ? listed(flags.variants) : Object.keys(variants)

for (let seed = 0; seed < Number(flags.seeds); seed++)
  for (const variant of chosen)
    for (const [set, open] of sets) {
      if (rows.some((r) => r.variant === variant && r.set === set && r.seed === seed)) continue
      const options = variants[variant]
      if (!options) throw new Error(`there is no variant ${variant}`)
      const config = resolveConfig({ ...options, seed } as typeof options)
      const row = { variant, set, seed, ...(await measured(config, await open())) }
      rows.push(row)
      appendFileSync(log, `${JSON.stringify(row)}\n`)
      process.stderr.write(`${cell([row])} ${variant}, ${set}, seed ${seed}: ${row.seconds.toFixed(0)} s\n`) // prettier-ignore
    }
process.stdout.write(`${table()}\n${leftOut()}`)

async function measured(config: TrainConfig, { train, test, category }: Dataset) {
  const weights = await loadEncoderWeights(config.encoder)
  const spec = encoderSpec(config.encoder)
  const encoder = encoderModel(spec, weights, config.poolLayers, config.inputSize)
  const began = performance.now()
  const { model, manifest } = await fit({ samples: train, category, config, encoder, runtime })
  const seconds = (performance.now() - began) / 1000
  const { evaluation, scores } = await evaluate({ model, samples: test, runtime })
  const above = (label: string) => {
    const own = scores.filter((s) => s.label === label)
    return own.filter((s) => s.score > manifest.calibration.threshold).length / own.length
  }
  return {
    seconds,
    milliseconds: evaluation.timing.millisecondsPerImage,
    megabytes: model.length / 1e6,
    image: evaluation.image?.auroc ?? NaN,
    pixel: evaluation.pixel?.auroc ?? NaN,
    aupro: evaluation.pixel?.aupro ?? NaN,
    found: above('anomalous'),
    falseAlarms: above('good'),
  }
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length
}

function cell(own: readonly Row[]): string {
  if (own.length === 0) return '–'
  const percent = (key: 'image' | 'pixel' | 'aupro') =>
    (100 * mean(own.map((r) => r[key]))).toFixed(1)
  return `${percent('image')} / ${percent('pixel')} / ${percent('aupro')}`
}

function markdown(head: readonly string[], body: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  return [line(head), line(head.map(() => '---')), ...body.map(line)].join('')
}

function table(): string {
  const names = [...sets.keys()]
  const body = chosen.map((variant) => {
    const own = rows.filter((r) => r.variant === variant)
    return [variant, ...names.map((set) => cell(own.filter((r) => r.set === set)))]
  })
  return `Image AUROC / pixel AUROC / AUPRO to 0.3, %; mean over seeds.\n\n${markdown(['variant', ...names], body)}`
}

/** By the mean of image and pixel AUROC, over the sets and the seeds that every variant was run on. */
function leftOut(): string {
  const names = [...sets.keys()]
  const value = (variant: string, set: string): number =>
    mean(rows.filter((r) => r.variant === variant && r.set === set).map((r) => (r.image + r.pixel) / 2)) // prettier-ignore
  const complete = chosen.filter((v) => names.every((set) => Number.isFinite(value(v, set))))
  const best = (of: (variant: string) => number): string =>
    complete.reduce((a, b) => (of(b) > of(a) ? b : a))
  const body = names.map((out) => {
    const others = names.filter((n) => n !== out)
    const choice = best((v) => mean(others.map((set) => value(v, set))))
    const own = best((v) => value(v, out))
    const behind = 100 * (value(own, out) - value(choice, out))
    const of = (v: string) => cell(rows.filter((r) => r.variant === v && r.set === out))
    return [out, choice, of(choice), own, of(own), behind.toFixed(2)]
  })
  const head = ['left out', 'best on the others', 'there', 'best there', 'there', 'behind, points']
  return `The choice that was made without the set.\n\n${markdown(head, body)}`
}

/**
 * Does `cflow tune` choose well? On sets of which the real defects are known, the settings are chosen from the good images
 * alone; then every candidate is trained on all good images and judged by the real defects.
 *
 *   node --conditions=@cflow/source --import tsx benchmarks/tune-validation.ts [--sets DIR/CATEGORY,DIR/CATEGORY] \
 *     [--built-in mesh,cable,part] [--minutes 30] [--seeds 1] [--input-size 256] [--train-images 60] [--budget MS] \
 *     [--most 120] [--stage real|tune|table] [--seconds 200]
 *
 * A set is a folder in the layout of MVTec AD, one class of it. Results are appended to
 * benchmarks/results/tune-validation.jsonl as they come; what is there already is not run again (delete the file to start
 * again); with --seconds nothing is begun after that time. The tables are printed as Markdown at the end.
 */
import { syntheticDataset, type Dataset, type SyntheticKind } from '../packages/datasets/src/index.js' // prettier-ignore
import { openDataset } from '../packages/datasets/src/node.js'
import { encoderModel, encoderSpec } from '../packages/encoders/src/index.js'
import { listEncoders, loadEncoderWeights } from '../packages/encoders/src/node.js'
import {
  resolveConfig,
  type TrainConfig,
  type TrainOptions,
} from '../packages/methods/src/index.js'
import { openRuntime } from '../packages/runtimes/src/index.node.js'
import { evaluate, fit, tune } from '../packages/trainer/src/index.node.js'
import { evenly } from '../packages/trainer/src/split.js'
import { tuneCandidates } from '../packages/trainer/src/tune/candidates.js'
import { appendFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import { parseArgs } from 'node:util'

const { values: flags } = parseArgs({
  options: {
    sets: { type: 'string', default: '' },
    'built-in': { type: 'string', default: 'mesh,cable,part' },
    minutes: { type: 'string', default: '30' },
    seeds: { type: 'string', default: '1' },
    'input-size': { type: 'string', default: '256' },
    'train-images': { type: 'string', default: '60' },
    most: { type: 'string', default: '1000' },
    stage: { type: 'string' },
    seconds: { type: 'string' },
    budget: { type: 'string' },
    threads: { type: 'string' },
  },
})

const list = (text: string): readonly string[] => text.split(',').filter(Boolean)
const inputSize = Number(flags['input-size'])
const trainImages = Number(flags['train-images'])
const minutes = Number(flags.minutes)
const budget = flags.budget === undefined ? undefined : Number(flags.budget)
const folder = 'benchmarks/results'
const path = `${folder}/tune-validation.jsonl`

/** What was chosen on a set, or what a candidate is worth on it. */
interface Result {
  readonly key: string
  readonly set: string
  readonly seed: number
  /** Empty for the settings as they are. */
  readonly name: string
  readonly changes: TrainOptions
  /** By made defects, 0 to 1. */
  readonly score?: number
  readonly chosen?: boolean
  /** By real defects. */
  readonly image?: number
  readonly pixel?: number
  readonly aupro?: number
  readonly milliseconds?: number
  readonly tuneSeconds?: number
  readonly quality?: object
  readonly round?: number
  /** By made defects in the same round: the settings as they are. */
  readonly asItIs?: number | undefined
}

const known: Result[] = existsSync(path)
  ? readFileSync(path, 'utf8')
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line) as Result)
  : []
mkdirSync(folder, { recursive: true })
const keep = (result: Result): Result => {
  appendFileSync(path, `${JSON.stringify(result)}\n`)
  known.push(result)
  return result
}

const runtime = await openRuntime(flags.threads ? { threads: Number(flags.threads) } : {})
const encoders = (await listEncoders()).flatMap((e) => (e.weights === 'missing' ? [] : [e.spec.name])) // prettier-ignore
const weights = new Map<string, ReturnType<typeof loadEncoderWeights>>()
const encoderOf = async (config: TrainConfig) => {
  const { encoder: name, poolLayers, inputSize: size } = config
  const loaded = weights.get(name) ?? loadEncoderWeights(name)
  weights.set(name, loaded)
  return encoderModel(encoderSpec(name), await loaded, poolLayers, size)
}

const sets: (readonly [name: string, open: () => Promise<Dataset>])[] = [
  ...list(flags.sets).map(
    (set) =>
      [
        basename(set),
        () => openDataset({ dataset: 'mvtec', root: dirname(set), category: basename(set) }),
      ] as const,
  ),
  ...list(flags['built-in']).map(
    (kind) =>
      [
        kind,
        () =>
          Promise.resolve(
            syntheticDataset({ kind: kind as SyntheticKind, train: trainImages, test: 60 }),
          ),
      ] as const,
  ),
]

const isOver = (): boolean => performance.now() > 1000 * Number(flags.seconds ?? Infinity)
const stage = (name: string): boolean => flags.stage === undefined || flags.stage === name

/** What a candidate is worth on real defects: trained on all good images, judged by the test images. */
async function judged(
  key: string,
  about: Pick<Result, 'set' | 'seed' | 'name' | 'changes'>,
  { category, train, test }: Dataset,
  base: TrainConfig,
): Promise<void> {
  if (known.some((r) => r.key === key) || isOver()) return
  console.error(key)
  // thresholds are of no account here, so that folds are left out
  const config = resolveConfig({ ...base, ...about.changes, folds: 0 } as TrainOptions)
  const encoder = await encoderOf(config)
  const { model } = await fit({ samples: train, category, config, encoder, runtime })
  const { evaluation } = await evaluate({ model, samples: test, runtime, evaluateAt: inputSize })
  keep({
    ...{ key, ...about, image: evaluation.image.auroc },
    ...(evaluation.pixel && { pixel: evaluation.pixel.auroc, aupro: evaluation.pixel.aupro }),
    milliseconds: evaluation.timing.millisecondsPerImage,
  })
}

for (const [set, open] of flags.stage === 'table' ? [] : sets) {
  const all = await open()
  const dataset = {
    ...all,
    train: evenly([...all.train.keys()], Number(flags.most)).map((i) => all.train[i]!),
  }
  const { category, train } = dataset
  const { width, height } = await train[0]!.load()
  for (let seed = 0; seed < Number(flags.seeds); seed++) {
    const base = resolveConfig({ seed, inputSize })
    const run = `${set} ${train.length} ${inputSize} ${budget ?? ''} ${seed}`
    const real = (name: string, changes: TrainOptions) =>
      judged(`${run} real ${name}`, { set, seed, name, changes }, dataset, base)
    if (stage('real'))
      for (const { name, changes } of tuneCandidates(base, { side: Math.max(width, height), proportion: Math.max(width / height, height / width), encoders, budget })) await real(name, changes) // prettier-ignore
    if (!stage('tune')) continue
    if (!known.some((r) => r.key === `${run} tune`) && !isOver()) {
      console.error(`${run}: tune`)
      const { rows, chosen, seconds } = await tune({
        samples: train,
        ...{ category, config: base, encoders, encoderOf, runtime, minutes, budget },
      })
      for (const row of rows)
        if (row.quality)
          keep({
            ...{ key: `${run} tune`, set, seed, name: row.name, changes: row.changes },
            ...{ score: row.quality.score, chosen: row === chosen, tuneSeconds: seconds },
            ...{ quality: row.quality, round: row.round },
            asItIs: row.gain && row.quality.score - row.gain.gain,
          })
    }
    const [choice] = known.filter((r) => r.key === `${run} tune` && r.chosen)
    if (choice) await real(choice.name, choice.changes)
  }
}

const percent = (rate: number | undefined): string => rate === undefined || !Number.isFinite(rate) ? '–' : (100 * rate).toFixed(1) // prettier-ignore
const row = (cells: readonly string[]): void => console.log(`| ${cells.join(' | ')} |`)
const pair = (r: Result): string => `${percent(r.image)} / ${percent(r.pixel)}`
/** What "best" means: the mean of image and pixel AUROC, as far as they are known. */
const worth = ({ image, pixel }: Result): number => ((image ?? NaN) + (pixel ?? image ?? NaN)) / 2

row(['set', 'as it is: image / pixel AUROC', 'chosen', 'image / pixel AUROC', 'best of the candidates', 'image / pixel AUROC', 'behind the best', 'within half a point', 'seconds']) // prettier-ignore
row(['---', '---:', '---', '---:', '---', '---:', '---:', '---', '---:'])
let [within, gained, lost, total] = [0, 0, 0, 0]
const runs = [...new Set(known.flatMap(({ key }) => (key.endsWith(' tune') ? [key.slice(0, -5)] : [])))] // prettier-ignore
const realOf = (run: string) => known.filter(({ key }) => key.startsWith(`${run} real `))
for (const run of runs) {
  const tuned = known.filter((r) => r.key === `${run} tune`)
  const candidates = realOf(run)
  const choice = tuned.find((r) => r.chosen)
  const chosen = candidates.find((r) => r.name === choice?.name)
  const base = candidates.find((r) => r.name === '')
  if (!chosen || !base) continue
  const best = candidates.reduce((a, b) => (worth(b) > worth(a) ? b : a))
  const behind = worth(best) - worth(chosen)
  const isWithin = behind <= 0.005
  total++
  if (isWithin) within++
  if (worth(chosen) > worth(base) + 0.0005) gained++
  if (worth(chosen) < worth(base) - 0.0005) lost++
  row([
    ...[run.split(' ')[0]!, pair(base), chosen.name || 'as it is', pair(chosen)],
    ...[
      best.name || 'as it is',
      pair(best),
      (100 * behind).toFixed(2),
      isWithin ? 'yes' : '**no**',
    ],
    (tuned[0]!.tuneSeconds ?? NaN).toFixed(0),
  ])
}
console.log(
  `\nWithin half a point of the best candidate: ${within} of ${total}. Better than the settings as they are: ${gained}; worse: ${lost}.`,
)
console.log('\nWhat made defects say of a candidate against the settings as they are, in its last round, and what real ones say (points):\n') // prettier-ignore
row(['set', 'candidate', 'round', 'made defects', 'image AUROC', 'pixel AUROC', 'AUPRO', 'mean of image and pixel AUROC']) // prettier-ignore
row(['---', '---', '---:', '---:', '---:', '---:', '---:', '---:'])
const against = (value: number | undefined, other: number | undefined): string => value === undefined || other === undefined ? '–' : `${value < other ? '−' : '+'}${Math.abs(100 * (value - other)).toFixed(1)}` // prettier-ignore
for (const run of runs) {
  const tuned = known.filter((r) => r.key === `${run} tune`)
  const base = realOf(run).find((r) => r.name === '')
  for (const r of realOf(run)) {
    const own = tuned.find((t) => t.name === r.name)
    if (!base || !own) continue
    row([
      ...[run.split(' ')[0]!, r.name || 'as it is', String(own.round ?? '–')],
      ...(r === base
        ? [percent(own.score), percent(r.image), percent(r.pixel), percent(r.aupro), percent(worth(r))] // prettier-ignore
        : [
            against(own.score, own.asItIs),
            ...[against(r.image, base.image), against(r.pixel, base.pixel)],
            ...[against(r.aupro, base.aupro), against(worth(r), worth(base))],
          ]),
    ])
  }
}

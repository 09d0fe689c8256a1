import { resolveConfig, type TrainConfig, type TrainOptions } from '@cflow/methods'
import { explainTuning, tune, type OnProgress, type TuneResult, type TuneRow } from '@cflow/trainer'
import type { Dataset } from '@cflow/datasets'
import { listEncoders } from '@cflow/encoders/node'
import type { Runtime } from '@cflow/runtimes'
import { stringify } from 'yaml'
import type { prepareEncoder } from './encoder.js'
import { table, type Session } from './io.js'
import { settingsOf, type TrainSettings } from './settings/methods.js'
import { encoderShape } from './settings/schema.js'
import { kebab } from './settings/settings.js'

/** What choosing the settings of a training needs. */
export interface Tuning {
  readonly settings: TrainSettings
  readonly prepared: Awaited<ReturnType<typeof prepareEncoder>>
  readonly dataset: Dataset
  readonly runtime: Runtime
  readonly onProgress: OnProgress
}

/** Choose what no flag and no file says. */
export async function tuneSettings(
  session: Session,
  { settings, prepared, dataset, runtime, onProgress }: Tuning,
): Promise<TuneResult> {
  const { weights, budget, minutes } = settings
  const fixed = Object.keys(settingsOf(settings))
  const others = await listEncoders()
  return tune({
    samples: dataset.train,
    category: dataset.category,
    config: prepared.config,
    // weights from a file are those of one encoder
    fixed: weights === undefined ? fixed : [...fixed, 'encoder'],
    encoders: others.filter((e) => e.weights !== 'missing').map((e) => e.spec.name),
    encoderOf: (config) => prepared.open(runtime, config),
    ...{ runtime, budget, onProgress, signal: session.io.signal },
    ...(minutes !== undefined && { minutes }),
  })
}

/** What was chosen, in words: the same for a training that is resumed. */
export function chosenText(base: TrainConfig, config: TrainConfig): string {
  const before = resolveConfig(base as TrainOptions) as Readonly<Record<string, unknown>>
  const changed = Object.entries(config).filter(([key, value]) => JSON.stringify(before[key]) !== JSON.stringify(value)) // prettier-ignore
  if (changed.length === 0) return 'no change'
  return changed.map(([key, value]) => `${kebab(key)} ${String(value)}`).join(', ')
}

/** The settings that were asked for and those that were chosen, as a configuration file of `train`. */
export function tunedFile(settings: TrainSettings, result: TuneResult): string {
  const files = Object.keys(encoderShape) as (keyof TrainSettings)[]
  const given = files.flatMap((key) => (settings[key] === undefined ? [] : [[key, settings[key]]]))
  const values = {
    ...settingsOf(settings),
    ...(Object.fromEntries(given) as object),
    ...result.changes,
  }
  const lines = [explainTuning(result), '', ...tuningTable(result).trimEnd().split('\n')]
  return `${lines.map((line) => `# ${line}`.trimEnd()).join('\n')}\n${stringify(values)}`
}

const points = (rate: number | undefined): string => rate === undefined || !Number.isFinite(rate) ? '–' : (100 * rate).toFixed(1) // prettier-ignore

/** Every candidate, best first, as a table for people. */
export function tuningTable({ rows, chosen }: TuneResult): string {
  const head = ['CANDIDATE', 'SCORE', 'GAIN', 'IMAGE', 'PIXEL', 'AUPRO', 'WORST KIND', 'LIKELIHOOD', 'MS/IMAGE', 'ROUND', ''] // prettier-ignore
  return table([head, ...rows.map((row) => line(row, row === chosen))])
}

function line(row: TuneRow, isChosen: boolean): string[] {
  const { name, quality, gain, likelihood, milliseconds, round } = row
  const kinds = quality && Object.entries(quality.kinds).sort(([, a], [, b]) => a - b)[0]
  return [
    name === '' ? 'as it is' : name,
    points(quality?.score),
    gain ? `${points(gain.gain)} ± ${points(gain.error)}` : '–',
    ...[quality?.image, quality?.pixel, quality?.aupro].map(points),
    kinds ? `${kinds[0]} ${points(kinds[1])}` : '–',
    likelihood === undefined ? '–' : likelihood.toFixed(3),
    milliseconds === undefined ? '–' : milliseconds.toFixed(1),
    round === 0 ? '–' : String(round),
    isChosen ? 'chosen' : why(row),
  ]
}

const why = ({ out, message }: TuneRow): string =>
  out === undefined
    ? ''
    : { budget: 'over the budget', time: 'no time', worse: 'no further', error: message ?? 'failed' }[out] // prettier-ignore

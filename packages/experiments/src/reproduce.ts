import { writeFileAtomic } from '@cflow/base/node'
import { jsonText } from '@cflow/trainer/node'
import { join } from 'node:path'
import { runTrial } from './conduct/run-trial.js'
import type { Outcome } from './conduct/run-trial.js'
import { estimate } from './estimate.js'
import type { Laboratory } from './laboratory.js'
import { machine } from './machine.js'
import { durationText } from './markdown.js'
import { trialsOf } from './selection.js'
import type { Case, Selection } from './selection.js'
import { caseOutcome } from './statistic.js'
import { targets } from './targets/all.js'
import type { Document, Finished, Target, TargetName } from './targets/target.js'
import { trialName } from './trial.js'
import type { Trial } from './trial.js'

export interface Reproduced {
  /** What was written, by target. */
  readonly documents: readonly {
    readonly name: TargetName
    readonly title: string
    readonly filled: boolean
    readonly files: readonly string[]
    readonly markdown: string
    readonly data: unknown
  }[]
  readonly trials: { readonly run: number; readonly reused: number }
  /** Why trials were not run, each reason once. */
  readonly missing: readonly string[]
  /** What went wrong in trials that could run, each reason once. */
  readonly failed: readonly string[]
}

/**
 * Compute tables and figures of the paper again: run the trainings that are not in the store, then write each as
 * `<name>.md`, `<name>.json` and pictures. What lacks images or weights is left out with the reason.
 * @throws CflowError USAGE for what does not exist, IO when the folder cannot be written; what an abort threw: the same
 *   call goes on where it stopped
 */
export async function reproduce(
  names: readonly TargetName[],
  selection: Selection,
  laboratory: Laboratory,
): Promise<Reproduced> {
  const chosen = targets.filter((t) => names.includes(t.name))
  const cases = new Map<Target, readonly Case[]>()
  for (const target of chosen) cases.set(target, await target.cases(selection, laboratory))
  const trials = unique([...cases.values()].flat().flatMap((one) => trialsOf(selection, one)))
  await announce(trials, selection, laboratory)

  const outcomes = new Map<string, Outcome>()
  const documents: Reproduced['documents'][number][] = []
  for (const target of chosen) {
    const own = unique((cases.get(target) ?? []).flatMap((one) => trialsOf(selection, one)))
    await conduct(own, outcomes, laboratory)
    laboratory.signal?.throwIfAborted()
    const document = await target.document(finishedOf(selection, laboratory, outcomes))
    documents.push(await written(target.name, document, laboratory))
  }
  const all = [...outcomes.values()]
  const reasons = (kind: 'missing' | 'failed') => [...new Set(all.flatMap((o) => (o.kind === kind ? [o.reason] : [])))] // prettier-ignore
  return {
    documents,
    trials: {
      run: all.filter((o) => o.kind === 'done' && !o.reused).length,
      reused: all.filter((o) => o.kind === 'done' && o.reused).length,
    },
    missing: reasons('missing'),
    failed: reasons('failed'),
  }
}

const keyOf = (trial: Trial): string => JSON.stringify(trial)

const unique = (trials: readonly Trial[]): readonly Trial[] => [
  ...new Map(trials.map((t) => [keyOf(t), t])).values(),
]

async function announce(
  trials: readonly Trial[],
  { recipe }: Selection,
  laboratory: Laboratory,
): Promise<void> {
  if (trials.length === 0) return
  const { pending, seconds } = await estimate(trials, laboratory)
  if (pending === 0) return
  const quick = recipe === 'paper' && seconds > 600 ? '; --recipe whitened is the quick way' : ''
  laboratory.note(`${pending} of ${trials.length} trainings to run, about ${durationText(seconds)} on this machine${quick}`) // prettier-ignore
}

async function conduct(
  trials: readonly Trial[],
  outcomes: Map<string, Outcome>,
  laboratory: Laboratory,
): Promise<void> {
  for (const [i, trial] of trials.entries()) {
    if (outcomes.has(keyOf(trial))) continue
    laboratory.signal?.throwIfAborted()
    const began = performance.now()
    const outcome = await runTrial(trial, laboratory)
    outcomes.set(keyOf(trial), outcome)
    if (outcome.kind === 'done' && outcome.reused) continue
    const time = durationText((performance.now() - began) / 1000)
    const result = outcome.kind === 'done' ? `done in ${time}` : outcome.reason
    if (outcome.kind !== 'missing')
      laboratory.note(`${trialName(trial)} (${i + 1} of ${trials.length}): ${result}`)
  }
}

function finishedOf(
  selection: Selection,
  laboratory: Laboratory,
  outcomes: ReadonlyMap<string, Outcome>,
): Finished {
  const outcomesOf = (one: Case): readonly Outcome[] =>
    trialsOf(selection, one).flatMap((trial) => outcomes.get(keyOf(trial)) ?? [])
  return {
    selection,
    laboratory,
    outcomes: outcomesOf,
    caseOf: (one) => caseOutcome(outcomesOf(one)),
  }
}

async function written(
  name: TargetName,
  document: Document,
  { store, runtime }: Laboratory,
): Promise<Reproduced['documents'][number]> {
  const { title, body, data, pictures = {}, filled } = document
  const markdown = `# ${title}\n\n${body}\n`
  const path = (ending: string) => join(store.folder, `${name}${ending}`)
  const files = { ...pictures, '.md': markdown, '.json': jsonText({ title, machine: machine(), runtime: runtime.name, filled, data }) } // prettier-ignore
  for (const [ending, content] of Object.entries(files))
    await writeFileAtomic(path(ending), content)
  return { name, title, filled, files: Object.keys(files).map(path), markdown, data }
}

/** The index of a folder in which everything was computed: README.md with links. */
export async function writeIndex(
  { documents, missing }: Reproduced,
  { store }: Laboratory,
): Promise<string> {
  const lines = documents.map(({ name, title, filled }) => `- [${title}](${name}.md)${filled ? '' : ': nothing of it could be run here'}`) // prettier-ignore
  const lacking = missing.map((reason) => `- ${reason}`)
  const text = [
    '# The paper, computed again',
    'CFLOW-AD: Real-Time Unsupervised Anomaly Detection with Localization via Conditional Normalizing Flows (WACV 2022). Every table and figure with the paper’s figures beside the measured ones.',
    lines.join('\n'),
    ...(lacking.length > 0 ? [`What was missing:\n\n${lacking.join('\n')}`] : []),
    `Machine: ${machine()}. Results of single trainings are in \`trials/\`.`,
  ].join('\n\n')
  const path = join(store.folder, 'README.md')
  await writeFileAtomic(path, `${text}\n`)
  return path
}

/** Whether anything could be run or computed. */
export const somethingRan = ({ documents }: Reproduced): boolean => documents.some((d) => d.filled)

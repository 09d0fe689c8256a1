import { writeFileAtomic } from '@cflow/base/node'
import { jsonText } from '@cflow/trainer/node'
import { join } from 'node:path'
import { runTrial, type Outcome } from './conduct/run-trial.js'
import { estimate } from './estimate.js'
import { machine, type Laboratory } from './laboratory.js'
import { durationText, paragraphs } from './markdown.js'
import { trialsOf, type Case, type Selection } from './selection.js'
import { caseOutcome } from './statistic.js'
import { inOrder, targets, type TargetName } from './targets/all.js'
import type { Document, Plan } from './targets/target.js'
import { trialName, type Trial } from './trial.js'

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

/** One of several machines that share the trainings: `index` from 1 to `count`. */
export interface Shard {
  readonly index: number
  readonly count: number
}

/** The trainings of a selection, each once, in the order that shards count them in. */
export async function trainingsOf(
  names: readonly TargetName[],
  selection: Selection,
  laboratory: Laboratory,
): Promise<readonly Trial[]> {
  const cases: Case[] = []
  for (const name of inOrder(names))
    cases.push(...((await targets[name](selection, laboratory)).cases ?? []))
  const trials = cases.flatMap((c) => trialsOf(selection, c))
  return [...new Map(trials.map((t) => [keyOf(t), t])).values()]
}

/**
 * Run the trainings of one shard that are not in the store, and write no tables: a call of `reproduce` does, in a folder
 * in which the `trials/` of all shards are put together. Shards share the trainings of a selection evenly, each once.
 * @throws as `reproduce`
 */
export async function runShard(
  names: readonly TargetName[],
  selection: Selection,
  laboratory: Laboratory,
  { index, count }: Shard,
): Promise<Omit<Reproduced, 'documents'>> {
  const all = await trainingsOf(names, selection, laboratory)
  const own = all.filter((_, i) => i % count === index - 1)
  await announce(own, selection, laboratory)
  const outcomes = new Map<string, Outcome>()
  await conduct(own, outcomes, laboratory)
  laboratory.watch.signal?.throwIfAborted()
  return summaryOf(outcomes)
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
  const plans: [TargetName, Plan][] = []
  for (const name of inOrder(names)) plans.push([name, await targets[name](selection, laboratory)])
  const trialsFor = (cases: readonly Case[] = []): readonly Trial[] => {
    const trials = cases.flatMap((one) => trialsOf(selection, one))
    return [...new Map(trials.map((t) => [keyOf(t), t])).values()]
  }
  await announce(trialsFor(plans.flatMap(([, { cases = [] }]) => cases)), selection, laboratory)

  const outcomes = new Map<string, Outcome>()
  const documents: Reproduced['documents'][number][] = []
  for (const [name, plan] of plans) {
    await conduct(trialsFor(plan.cases), outcomes, laboratory)
    laboratory.watch.signal?.throwIfAborted()
    const document = await plan.document((one) =>
      caseOutcome(trialsOf(selection, one).flatMap((trial) => outcomes.get(keyOf(trial)) ?? [])),
    )
    documents.push(await written(name, document, laboratory))
  }
  return { documents, ...summaryOf(outcomes) }
}

function summaryOf(outcomes: ReadonlyMap<string, Outcome>): Omit<Reproduced, 'documents'> {
  const all = [...outcomes.values()]
  const done = all.filter((o) => o.kind === 'done')
  const reasons = (kind: 'missing' | 'failed') => [...new Set(all.flatMap((o) => (o.kind === kind ? [o.reason] : [])))] // prettier-ignore
  const reused = done.filter((o) => o.reused).length
  return {
    trials: { run: done.length - reused, reused },
    missing: reasons('missing'),
    failed: reasons('failed'),
  }
}

const keyOf = (trial: Trial): string => JSON.stringify(trial)

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
    laboratory.watch.signal?.throwIfAborted()
    const began = performance.now()
    const outcome = await runTrial(trial, laboratory)
    outcomes.set(keyOf(trial), outcome)
    if (outcome.kind === 'missing' || (outcome.kind === 'done' && outcome.reused)) continue
    const time = durationText((performance.now() - began) / 1000)
    const result = outcome.kind === 'done' ? `done in ${time}` : outcome.reason
    laboratory.note(`${trialName(trial)} (${i + 1} of ${trials.length}): ${result}`)
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
  const text = paragraphs(
    '# The paper, computed again',
    'CFLOW-AD: Real-Time Unsupervised Anomaly Detection with Localization via Conditional Normalizing Flows (WACV 2022). Every table and figure with the paper’s figures beside the measured ones.',
    lines.join('\n'),
    missing.length > 0 && `What was missing:\n\n${missing.map((r) => `- ${r}`).join('\n')}`,
    `Machine: ${machine()}. Results of single trainings are in \`trials/\`.`,
  )
  const path = join(store.folder, 'README.md')
  await writeFileAtomic(path, `${text}\n`)
  return path
}

/** Whether anything could be run or computed. */
export const somethingRan = ({ documents }: Reproduced): boolean => documents.some((d) => d.filled)

import { CflowError, messageOf } from '@cflow/base'
import type { Sample } from '@cflow/datasets'
import type { TrainConfig } from '@cflow/methods'
import { pixelCache } from '../feature-cache.js'
import { areFrames, partsOf } from '../near-copies.js'
import { now, stageProgress } from '../progress.js'
import { inSessionScope } from '../session-scope.js'
import {
  candidateOf,
  combined,
  mayBeQuicker,
  sameConfig,
  tuneCandidates,
  type Candidate,
} from './candidates.js'
import { measure, type Measured } from './candidate-trial.js'
import { choose, isClearlyBetter, margin, type State } from './choice.js'
import { openLedger } from './ledger.js'
import { gainOf } from './measure.js'
import type { TuneOptions } from './options.js'
import { requireTunable, roundsOf, type Round } from './parts.js'
import type { TuneResult, TuneRow } from './result.js'
import { trialCount, tuneImages, type Images } from './trials.js'

type Out = NonNullable<TuneRow['out']>

/** Candidates that go on to the next round, at least and as a share. */
const goOn = { least: 3, share: 1 / 3 } as const
const begun = (candidate: Candidate): State => {
  const { name, changes } = candidate
  return { candidate, row: { name, changes, round: 0, seconds: 0 } }
}

const over = ({ candidate, row }: State, out: Out, message?: string): State => ({
  candidate,
  row: { ...row, out, ...(message !== undefined && { message }) },
})

/**
 * Choose settings without a defect: good images are held out, defects are made on them (`withDefect`), and every candidate is
 * trained without them and ranked by how well it tells the made defects from the images as they were, and finds where they
 * are. What is level is decided by the settings as they are, by the likelihood of held-out images where the features are the
 * same, and by cost. Many candidates are tried with few images, and few with all (successive halving).
 * @throws CflowError TOO_FEW_IMAGES; CHECKPOINT for one of another search; USAGE when no candidate keeps the budget; what the settings as they are throw
 */
export async function tune(options: TuneOptions): Promise<TuneResult> {
  return inSessionScope(options.runtime, (runtime) => search({ ...options, runtime }))
}

async function search(options: TuneOptions): Promise<TuneResult> {
  const { samples, config, budget, minutes = 10, runtime, checkpoints, resume = false } = options
  const ledger = await openLedger<Measured>(checkpoints, resume, options)
  const began = now() - ledger.elapsed
  const rounds = roundsOf(await dependence(options), config.seed)
  const images = tuneImages(runtime, samples, config.seed)
  const milliseconds = minutes * 60_000
  let states = (await listed(options)).map(begun)
  const [first] = states as [State]
  const out: State[] = []
  let base = first
  let last: { readonly ranked: readonly State[]; readonly round: Round; readonly number: number } | undefined // prettier-ignore
  for (const [r, round] of rounds.entries()) {
    const until = began + milliseconds * round.until
    const { measured, unmeasured } = await inRound(options, images, round, r, states, { began, until, end: began + milliseconds, ledger }) // prettier-ignore
    const own = measured.find((s) => s.row.name === '')
    if (own) base = keeps(own, budget) ? own : over(own, 'budget')
    // a round that time has cut short compares nothing: the one before decides
    if (last && measured.length < 2) break
    out.push(...unmeasured)
    const ranked = measured.filter((s) => keeps(s, budget)).sort((a, b) => scoreOf(b) - scoreOf(a))
    if (ranked.length === 0) throw overBudget(measured, out, budget)
    out.push(...measured.filter((s) => !keeps(s, budget)).map((s) => over(s, 'budget')))
    last = { ranked, round, number: r + 1 }
    if (r === rounds.length - 1) break
    const others = ranked.filter((s) => s.row.name !== '')
    const count = Math.max(goOn.least, Math.ceil(others.length * goOn.share))
    out.push(...others.slice(count).map((s) => over(s, 'worse')))
    states = ranked.filter((s) => s.row.name === '' || others.indexOf(s) < count)
    states.sort((a, b) => Number(b.row.name === '') - Number(a.row.name === ''))
    if (states.length < 2) break
  }
  const { ranked, round, number } = last!
  const heldOut = new Set(round.parts.flatMap((part) => part.heldOut)).size
  const chosen = choose(ranked)
  // where time has cut a round short, those that the round before dropped are still in its ranking
  const dropped = out.filter((s) => !ranked.some((r) => r.candidate === s.candidate))
  const reached = ({ row }: State) => row.round * 2 + (row.quality?.score ?? 0)
  return {
    config: chosen.candidate.config,
    changes: chosen.candidate.changes,
    rows: [...ranked, ...dropped.sort((a, b) => reached(b) - reached(a))].map(({ row }) => row),
    chosen: chosen.row,
    base: (ranked.find((s) => s.row.name === '') ?? base).row,
    heldOut,
    folds: round.parts.length,
    defects: round.parts.reduce((n, part) => n + trialCount(part.heldOut.length) - part.heldOut.length, 0), // prettier-ignore
    rounds: number,
    level: margin,
    seconds: (now() - began) / 1000,
  }
}

/** Every candidate measured once, as far as the time goes; in the first round also two clearly better changes in one. */
async function inRound(
  options: TuneOptions,
  images: Images,
  round: Round,
  r: number,
  states: readonly State[],
  { began, until, end, ledger }: { readonly began: number; readonly until: number; readonly end: number; readonly ledger: Awaited<ReturnType<typeof openLedger<Measured>>> }, // prettier-ignore
): Promise<{ readonly measured: readonly State[]; readonly unmeasured: readonly State[] }> {
  const { config, budget, signal } = options
  const report = stageProgress('tune', states.length, options)
  const [measured, unmeasured]: [State[], State[]] = [[], []]
  let [spent, pixels, tried] = [0, 0, 0]
  const attempt = async (state: State): Promise<void> => {
    const started = now()
    const isBase = state.row.name === ''
    // without the settings as they are nothing could be compared: they have the time they take
    const isFree = r === 0 && isBase
    // the time of a candidate goes with the pixels of its images
    const size = state.candidate.config.inputSize ** 2
    const expected = pixels > 0 ? (spent * size) / pixels : 0
    const known = ledger.find(r, state.candidate.changes)
    if (!known && !isFree && until - started < expected) {
      unmeasured.push(over(state, 'time'))
      return
    }
    const stop = isFree ? signal : anyOf(signal, AbortSignal.timeout(Math.max(1, Math.round(end - started)))) // prettier-ignore
    const taken = () => known?.milliseconds ?? now() - started
    try {
      if (known && !known.found) throw new CflowError('RUNTIME', known.message ?? '')
      const found =
        known?.found ??
        (await measure(options, images, round, state.candidate, stop, (part) => {
          report(Math.min(tried + Math.min(part, 0.99), states.length))
        }))
      const milliseconds = taken()
      if (!known)
        await ledger.add(r, state.candidate.changes, { found, milliseconds }, now() - began)
      const seconds = state.row.seconds + milliseconds / 1000
      const { own, other, ...rest } = found
      const row = { ...state.row, ...rest, seconds, round: r + 1, quality: own }
      const changed = other && candidateOf(config, { ...state.candidate.changes, scoreShare: other.share }) // prettier-ignore
      const { name, changes } = changed ?? state.row
      if (isBase || !changed) measured.push({ ...state, row })
      if (changed && (r === 0 || !isBase))
        measured.push({ candidate: changed, row: { ...row, name, changes, quality: other.quality, ...(isBase && { seconds: 0 }) } }) // prettier-ignore
    } catch (error) {
      signal?.throwIfAborted()
      if (stop?.aborted) unmeasured.push(over(state, 'time'))
      else if (isBase || !(error instanceof CflowError)) throw error
      else {
        const message = messageOf(error)
        if (!known) await ledger.add(r, state.candidate.changes, { message, milliseconds: taken() }, now() - began) // prettier-ignore
        unmeasured.push(over(state, 'error', message))
      }
    }
    spent += taken()
    pixels += size
    report(Math.min(++tried, states.length))
  }
  const [first, ...others] = states as [State, ...State[]]
  await attempt(first)
  const tryable = r === 0 ? toTry(others, measured[0], config, budget) : others
  const slow = others.filter((s) => !tryable.includes(s) && !s.candidate.cheap)
  unmeasured.push(...slow.map((s) => over(s, 'budget')))
  for (const state of tryable) await attempt(state)
  const [base] = measured
  const [a, b] = measured
    .filter((s) => keeps(s, budget) && base && isClearlyBetter(s.row.quality, base.row.quality))
    .sort((a, b) => scoreOf(b) - scoreOf(a))
  const joint = r === 0 && a && b && combined(config, a.candidate, b.candidate)
  if (
    joint &&
    ![...measured, ...unmeasured].some((s) => sameConfig(s.candidate.config, joint.config))
  )
    // prettier-ignore
    await attempt(begun(joint))
  const own = measured.find((s) => s.row.name === '')?.row.quality
  const compared = ({ candidate, row }: State): State => {
    const gain = own && row.quality && row.name !== '' ? gainOf(row.quality, own) : undefined
    return { candidate, row: { ...row, ...(gain && { gain }) } }
  }
  return { measured: measured.map(compared), unmeasured }
}

const scoreOf = ({ row }: State): number => row.quality?.score ?? -Infinity

const keeps = ({ row }: State, budget = Infinity): boolean => (row.milliseconds ?? Infinity) <= budget // prettier-ignore

function overBudget(measured: readonly State[], out: readonly State[], budget = 0): CflowError {
  const { row } = measured.reduce((a, b) => (b.row.milliseconds! < a.row.milliseconds! ? b : a))
  const late = out.filter((s) => s.row.out === 'time').length
  const count = `none of ${measured.length} candidate${measured.length === 1 ? '' : 's'}`
  return new CflowError('USAGE', `${count} judges an image in ${budget} ms here`, {
    subject: '--budget',
    hint: `the quickest, ${row.name || 'as it is'}, takes ${row.milliseconds!.toFixed(1)} ms; ${
      late > 0 ? `the time was too short for ${late} more: give more --minutes, or ` : ''
    }allow more, or give --threads, a smaller --input-size or another --encoder`,
  })
}

/** Of the others than the settings as they are: what can keep the budget, where these do not. */
function toTry(
  others: readonly State[],
  base: State | undefined,
  config: TrainConfig,
  budget: number | undefined,
): readonly State[] {
  const isKept = !base || keeps(base, budget)
  if (isKept) return others.filter((s) => !s.candidate.cheap)
  const quicker = others.filter((s) => mayBeQuicker(config, s.candidate))
  return [...quicker.filter((s) => s.candidate.cheap), ...quicker.filter((s) => !s.candidate.cheap)]
}

/** By what images stand on one side of a split: sequences of videos, else near copies. */
async function dependence(options: TuneOptions): Promise<readonly Pick<Sample, 'sequence'>[]> {
  const { runtime, samples, config } = options
  requireTunable(samples)
  if (areFrames(samples)) return samples
  const pixels = await pixelCache(runtime, samples, config)
  const facts = await pixels.read(stageProgress('read', samples.length, options))
  return partsOf(runtime, samples, facts)
}

/** What is tried, the settings as they are first. */
async function listed(options: TuneOptions): Promise<readonly Candidate[]> {
  const { samples, config, candidates, budget, fixed = [], encoders = [] } = options
  if (candidates)
    return [{}, ...candidates.filter((c) => Object.keys(c).length > 0)].map((changes) =>
      candidateOf(config, changes),
    )
  const { width, height } = await samples[0]!.load()
  const [side, shorter] = [Math.max(width, height), Math.min(width, height)]
  return tuneCandidates(config, { side, proportion: side / shorter, budget, fixed, encoders })
}

const anyOf = (signal: AbortSignal | undefined, other: AbortSignal): AbortSignal =>
  signal ? AbortSignal.any([signal, other]) : other

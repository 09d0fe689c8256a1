import { CflowError, messageOf, type AnyAbortSignal } from '@cflow/base'
import { defectKinds, type Sample } from '@cflow/datasets'
import type { EncoderModel } from '@cflow/encoders'
import type { TrainConfig } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import type { CheckpointStore } from '../checkpoint.js'
import { pixelCache } from '../feature-cache.js'
import { fit } from '../fit.js'
import { areFrames, partsOf } from '../near-copies.js'
import { now, stageProgress, type OnProgress } from '../progress.js'
import { inSessionScope } from '../session-scope.js'
import { candidateOf, combined, mayBeQuicker, sameConfig, scoreShares, tuneCandidates, type Candidate, type Changes } from './candidates.js' // prettier-ignore
import { openLedger } from './ledger.js'
import { detectTrials, gainOf, meanQuality, qualities, type Quality } from './measure.js'
import { requireTunable, roundsOf, type Round } from './parts.js'
import { trialCount, tuneImages, type Images } from './trials.js'

export interface TuneOptions {
  /** Good images only. */
  readonly samples: readonly Sample[]
  readonly category: string
  /** The settings that the search starts from, complete. */
  readonly config: TrainConfig
  /** Keys of settings that stay as they are. */
  readonly fixed?: readonly string[]
  /** Encoders whose weights are at hand, to try in the place of the settings' own. */
  readonly encoders?: readonly string[]
  /** What is tried; the list of this package when absent. The settings as they are always come first. */
  readonly candidates?: readonly Changes[]
  /** The encoder of a candidate's settings. */
  encoderOf(config: TrainConfig): Promise<EncoderModel>
  readonly runtime: Runtime
  /** Milliseconds of one image, at most: candidates that take longer are out. */
  readonly budget?: number | undefined
  /** Time after which no training is begun or goes on, but for that of the settings as they are. */
  readonly minutes?: number
  /** Where candidates that are done are kept. */
  readonly checkpoints?: CheckpointStore
  /** Go on from those that are stored, if there are any: they, and the time they took, count as in one search. */
  readonly resume?: boolean
  readonly onProgress?: OnProgress
  readonly signal?: AnyAbortSignal | undefined
}

/** A candidate, and what became of it. */
export interface TuneRow {
  /** For people; empty for the settings as they are. */
  readonly name: string
  readonly changes: Changes
  /** The last round that it was measured in, from 1; 0 where it was not. */
  readonly round: number
  /** Of that round. */
  readonly quality?: Quality
  /** By how much its score is above that of the settings as they are in that round, and the standard error of that. */
  readonly gain?: ReturnType<typeof gainOf>
  /** Mean log-likelihood per dimension of held-out good images: comparable where the features are the same. */
  readonly likelihood?: number
  /** Of one image through the detector, the median. */
  readonly milliseconds?: number
  /** Seconds of its trainings and trials in all rounds. */
  readonly seconds: number
  /** Why it went no further; absent of those that were compared to the end. */
  readonly out?: 'budget' | 'time' | 'worse' | 'error'
  /** Of an error. */
  readonly message?: string
}

type Out = NonNullable<TuneRow['out']>

export interface TuneResult {
  readonly config: TrainConfig
  /** What the chosen settings differ in from those that were tuned; empty where these are the best. */
  readonly changes: Changes
  /** Best first, then those that went no further. */
  readonly rows: readonly TuneRow[]
  readonly chosen: TuneRow
  /** The settings as they were. */
  readonly base: TuneRow
  /** Good images that were held out in the last round, how many detectors were trained without them, and defects made. */
  readonly heldOut: number
  readonly folds: number
  readonly defects: number
  readonly rounds: number
  /** What the settings as they are must be exceeded by at least. */
  readonly level: number
  readonly seconds: number
}

/** Candidates that go on to the next round, at least and as a share. */
const goOn = { least: 3, share: 1 / 3 } as const
/** What the settings as they are must be exceeded by, and by how many standard errors. */
const margin = 0.02
const sure = 2

/** A candidate and what is known of it. */
interface State {
  readonly candidate: Candidate
  readonly row: TuneRow
}

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

/** Better by more than the margin, and by more than what the choice of the held-out images may do. */
const isClearlyBetter = (a: Quality | undefined, b: Quality | undefined): boolean => {
  if (!a || !b) return false
  const { gain, error } = gainOf(a, b)
  return gain > Math.max(margin, sure * error)
}

/**
 * The settings as they are, unless others are clearly better or they are over the budget; then the best of these, or one that is
 * not clearly worse and likelier or cheaper.
 */
function choose(ranked: readonly State[]): State {
  const base = ranked.find((s) => s.row.name === '')
  const better = ranked.filter((s) => !base || isClearlyBetter(s.row.quality, base.row.quality))
  const [best] = better
  if (!best) return base as State
  const level = better.filter((s) => !isClearlyBetter(best.row.quality, s.row.quality))
  return level.reduce((kept, s) => {
    if (haveSameFeatures(s.candidate, kept.candidate)) {
      const gain = (s.row.likelihood ?? 0) - (kept.row.likelihood ?? 0)
      if (Math.abs(gain) > 0.01) return gain > 0 ? s : kept
    }
    return (s.row.milliseconds ?? 0) < 0.9 * (kept.row.milliseconds ?? 0) ? s : kept
  })
}

/** Likelihoods can be compared where they are of the same features. */
const haveSameFeatures = (a: Candidate, b: Candidate): boolean =>
  (
    [
      'encoder',
      'inputSize',
      'resize',
      'poolLayers',
      'imageScales',
      'neighbourhoods',
      'normalisation',
    ] as const
  ).every((key) => (a.config as Changes)[key] === (b.config as Changes)[key])

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

interface Measured extends Required<Pick<TuneRow, 'milliseconds'>>, Pick<TuneRow, 'likelihood'> {
  /** With the candidate's own score. */
  readonly own: Quality
  /** With the mean over another share of the map's pixels, where that is better for sure. */
  readonly other?: { readonly share: number; readonly quality: Quality }
}

/**
 * Train a candidate and try it, part by part.
 * @param report told of the share that is done
 */
async function measure(
  { category, encoderOf, runtime, fixed = [], candidates }: TuneOptions,
  images: Images,
  { parts }: Round,
  { config }: Candidate,
  signal: AbortSignal | undefined,
  report: (share: number) => void,
): Promise<Measured> {
  const encoder = await encoderOf(config)
  const own = 'scoreShare' in config ? [config.scoreShare] : []
  const isFree = own.length > 0 && !candidates && !fixed.includes('scoreShare')
  const shares = isFree ? [...own, ...scoreShares.filter((share) => !own.includes(share))] : own
  const found: (readonly Quality[])[] = []
  const likelihoods: number[] = []
  const milliseconds: number[] = []
  for (const [p, { training, heldOut }] of parts.entries()) {
    const at = (share: number) => report((p + share) / parts.length)
    const { model, manifest } = await fit({
      samples: images.samples(training, config),
      ...{ category, encoder, runtime },
      config: { ...config, folds: 0, dropSuspicious: 0 },
      onProgress({ stage, done, total }) {
        const part = done / Math.max(total, 1)
        at(stage === 'train' ? 0.2 + 0.4 * part : stage === 'calibrate' ? 0.6 : 0.1)
      },
      ...(signal && { signal }),
    })
    const count = trialCount(heldOut.length)
    const trials = images.trials(heldOut, config)
    const seen = await detectTrials(runtime, model, trials, shares, (done) => {
      signal?.throwIfAborted()
      at(0.6 + (0.4 * done) / count)
    })
    found.push(await qualities(seen))
    milliseconds.push(seen.milliseconds)
    const flows = manifest.scales.slice(0, manifest.flows.length)
    const depth = flows.reduce((n, s) => n + s.depth, 0)
    if (depth > 0) likelihoods.push(flows.reduce((n, s) => n + s.depth * s.mean, 0) / depth)
  }
  const [first, ...rest] = found[0]!.map((_, k) => meanQuality(found.map((part) => part[k]!)))
  const quality = first as Quality
  const best = rest.reduce((a, b) => (b.score > a.score ? b : a), quality)
  const share = shares[1 + rest.indexOf(best)]
  return {
    own: quality,
    milliseconds: Math.max(...milliseconds),
    ...(likelihoods.length > 0 && { likelihood: likelihoods.reduce((a, b) => a + b, 0) / likelihoods.length }), // prettier-ignore
    ...(isClearlyBetter(best, quality) && { other: { share: share!, quality: best } }),
  }
}

/** A choice in a sentence or two, for people. */
export function explainTuning(result: TuneResult): string {
  const { chosen, base, rows, heldOut, defects, folds } = result
  const points = (rate: number) => (100 * rate).toFixed(1)
  const compared = rows.filter((row) => row.quality).length
  const on = `on ${defects} made defects over ${heldOut} good images that were held out${folds > 1 ? ` (in ${folds} folds)` : ''}` // prettier-ignore
  const late = rows.filter((row) => row.out === 'time' && row.round === 0).length
  const missed =
    late > 0 ? ` The time was too short for ${late} more: --minutes gives them more.` : ''
  const score = points(chosen.quality!.score)
  if (compared === 1)
    return `The settings stay as they are, for want of another to compare with: ${score} of 100 ${on}.${missed}`
  if (chosen.name === '')
    return `The settings stay as they are: ${score} of 100 ${on}, and none of ${compared - 1} others is clearly better: by ${points(result.level)} and by twice the error that the choice of images makes.${missed}` // prettier-ignore
  if (base.out === 'budget')
    return `${chosen.name}: ${score} of 100 ${on}; the settings as they are take ${base.milliseconds!.toFixed(1)} ms an image, more than the budget.${missed}` // prettier-ignore
  if (!base.quality || base.round !== chosen.round)
    return `${chosen.name}: ${score} of 100 ${on}, the best of those that were compared to the end.${missed}` // prettier-ignore
  const gain = (kind: (typeof defectKinds)[number]) => chosen.quality!.kinds[kind] - base.quality!.kinds[kind] // prettier-ignore
  const most = [...defectKinds].sort((a, b) => gain(b) - gain(a))[0]!
  const where = gain(most) > 0 ? `; it gains most on the kind ${most} (${points(gain(most))})` : ''
  return `${chosen.name}: ${score} of 100 ${on}, against ${points(base.quality.score)} with the settings as they are${where}.${missed}` // prettier-ignore
}

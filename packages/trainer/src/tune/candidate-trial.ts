import { fit } from '../fit.js'
import { scoreShares, type Candidate } from './candidates.js'
import { isClearlyBetter } from './choice.js'
import { detectTrials, meanQuality, qualities, type Quality } from './measure.js'
import type { TuneOptions } from './options.js'
import type { Round } from './parts.js'
import type { TuneRow } from './result.js'
import { trialCount, type Images } from './trials.js'

export interface Measured
  extends Required<Pick<TuneRow, 'milliseconds'>>, Pick<TuneRow, 'likelihood'> {
  /** With the candidate's own score. */
  readonly own: Quality
  /** With the mean over another share of the map's pixels, where that is better for sure. */
  readonly other?: { readonly share: number; readonly quality: Quality }
}

/**
 * Train a candidate and try it, part by part.
 * @param report told of the share that is done
 */
export async function measure(
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

import { calibratedThreshold, largestScore, rateLimit, type Manifest } from '@cflow/core'
import { canPromise } from './detection.js'

/** With which a detector's own rate is limited. */
const confidence = 0.95

/** What the false-positive rate of a detector's threshold is worth. */
export interface RatePromise {
  /** Share of good images called anomalous that the threshold was made for. */
  readonly rate: number
  /**
   * `average`: kept on average over calibrations; `confidence`: kept by this very detector, with the confidence that its
   * manifest names; `none`: aimed at.
   */
  readonly kind: 'average' | 'confidence' | 'none'
  /** Good images that it rests on. */
  readonly images: number
  /**
   * This detector's own rate is at most this, with 95 % confidence; of calibration in folds as far as its trainings are like
   * the detector's. Absent where the images say nothing of new ones.
   */
  readonly limit?: number
  /** Least rate that so many images can carry, where they are too few for `rate`. */
  readonly nearest?: number
  /** A few words, for parentheses. */
  readonly brief: string
  /** What is promised, and by what: one to three sentences. */
  readonly text: string
}

/**
 * What a detector's threshold promises: the one function behind what reports, terminals and pages say.
 * @param rate another one than the stored one
 */
export function promiseOf(manifest: Manifest, rate?: number): RatePromise {
  const { calibration, training } = manifest
  const { source, scores } = calibration
  const asked = rate ?? calibration.falsePositiveRate
  const images = scores.length
  const aim = `false alarms on ${percent(asked)} of good images`
  const shown = { rate: asked, images }
  const none = (why: string, more: Partial<RatePromise> = {}): RatePromise => ({
    ...shown,
    kind: 'none',
    brief: `aimed at ${aim}, not guaranteed`,
    text: `Aimed at ${aim}, not guaranteed: ${why}`,
    ...more,
  })
  if (images === 0) return none('it was calibrated with no image.')
  const basis = count(images)
  if (source === 'training') {
    const learned = training.images > 0 ? 'it learned from' : 'it may have learned from'
    return {
      ...none(''),
      brief: `nothing promised; aimed at ${aim}`,
      text: `Nothing is promised: the threshold comes from the ${basis} that ${learned}, and new good images score higher. It aims at ${aim}.`,
    }
  }
  const { limit, nearest, ranked } = limitsOf(manifest, asked)
  const own = `with ${percent(confidence)} confidence this detector’s own rate is at most ${atMost(limit)}`
  const few =
    nearest === undefined
      ? ''
      : ` ${upper(basis)} are too few for so small a rate; the nearest that they can ${source === 'folds' ? 'carry' : 'promise'} is ${atMost(nearest)}.`
  const limits = { limit, ...(nearest !== undefined && { nearest }) }
  if (source === 'folds') {
    const known = atMost(foldsTheory(Math.max(asked, ranked), images, calibration.folds ?? images))
    // beyond the highest score the threshold is a continuation, of which theory knows nothing
    const theory = nearest === undefined ? `; theory knows at most ${known} on average, for the detectors of the folds` : '' // prettier-ignore
    const related =
      calibration.independent === false
        ? ` ${dependence(manifest, 'They')}, so that it may be off by much.`
        : ` As far as those trainings are like it, ${own}${theory}.`
    const why = `each of ${basis} was judged by a training without it.`
    return none(`${why}${related}${few}`, calibration.independent === false ? {} : limits)
  }
  if (!canPromise(manifest))
    return none(
      calibration.independent === false || (manifest.precision ?? 'float32') === 'float32'
        ? `${dependence(manifest, `the ${basis} kept out of training`)}.`
        : `its scores were carried over from the detector in float32.`,
    )
  const held = `${basis} kept out of training`
  if (nearest !== undefined) return none(`it rests on ${held}; ${own}.${few}`, limits)
  if (calibration.confidence !== undefined) {
    const sure = percent(calibration.confidence)
    return {
      ...{ ...shown, ...limits, kind: 'confidence' },
      brief: `false alarms on at most ${percent(asked)} of good images, with ${sure} confidence`,
      text: `With ${sure} confidence this very detector raises false alarms on at most ${percent(asked)} of good images. It rests on ${held}, and holds for images like them.`,
    }
  }
  return {
    ...{ ...shown, ...limits, kind: 'average' },
    brief: `false alarms on at most ${percent(asked)} of good images, on average`,
    text: `False alarms on at most ${percent(asked)} of good images, on average over calibrations; ${own}. It rests on ${held}, and holds for images like them.`,
  }
}

/** That training images were (nearly) the same as others, and what was done about it; undefined where none were. */
export function nearCopiesOf({
  training: { copies, images, heldOut },
}: Manifest): string | undefined {
  if (!copies) return undefined
  const those = copies.images === 1 ? 'is' : 'are'
  return `${copies.images} of the ${images + heldOut} good images ${those} the same as others, or nearly: they count as ${copies.distinct} different ones, and none is judged by a training that saw its like`
}

/** Why images say less than so many would. */
const dependence = ({ training: { copies, images, heldOut } }: Manifest, those: string): string =>
  copies
    ? `${those} are not all different (of the ${images + heldOut} given, ${copies.images} are nearly the same as others; ${copies.distinct} differ)`
    : `${those} depend on one another, as frames of a video do`

/**
 * The 95 % limit of the rate, the least rate that the images carry where the one asked for is less, and the rate of the
 * score next below the threshold.
 */
function limitsOf({ calibration, aggregation, scales }: Manifest, rate: number) {
  const { scores, confidence: asked = 0 } = calibration
  const n = scores.length
  // of the threshold without known defects: that with them is above it, and its rate no higher
  const { threshold, guaranteed } = calibratedThreshold(calibration, rate, largestScore(aggregation, scales)) // prettier-ignore
  const above = scores.filter((s) => s > threshold).length
  const limit = rateLimit(n, above, confidence)
  const least = asked > 0 ? rateLimit(n, 0, asked) : 1 / (n + 1)
  return { limit, nearest: guaranteed ? undefined : least, ranked: (above + 1) / (n + 1) }
}

/**
 * What is known of cross-validation+ over K folds of n images (Barber et al. 2021, theorem 4), whose new image is judged by
 * the detectors of the folds: 2α + min{2(1 − 1/K)/(n/K + 1), (1 − K/n)/(K + 1)} at most.
 */
const foldsTheory = (rate: number, n: number, folds: number): number =>
  Math.min(
    1,
    2 * rate + Math.min((2 * (1 - 1 / folds)) / (n / folds + 1), (1 - folds / n) / (folds + 1)),
  )

/** Defective images that a detector was shown to place its threshold, and never learned from. */
export interface KnownDefects {
  readonly images: number
  /** How many of them score above the stored threshold. */
  readonly found: number
  /** Whether the threshold was moved up from the conformal one, towards them. */
  readonly moved: boolean
  /** The least false-positive rate at which all are found, where some are missed and one of less than 1 does it. */
  readonly rateForAll?: number
  readonly text: string
}

/** What is known of defects that a detector was shown (`fit`'s `knownDefects`); undefined where there were none. */
export function knownDefectsOf({ calibration }: Manifest): KnownDefects | undefined {
  const { knownDefects, threshold, scores } = calibration
  if (!knownDefects) return undefined
  const { scores: defects, conformal } = knownDefects
  const images = defects.length
  const found = defects.filter((s) => s > threshold).length
  const moved = threshold > conformal
  const lowest = Math.min(...defects)
  const above = scores.filter((s) => s >= lowest).length
  const needed = (above + 1) / (scores.length + 1)
  const all = found < images && needed < 1 && above < scores.length ? needed : undefined
  const few = images === 1 ? 'the one known defect' : `${found} of ${images} known defects`
  const text =
    (images === 1 && found === 0 ? 'Misses the one known defect' : `Finds ${few}`) +
    (moved ? '; the threshold lies between good images and them.' : '.') +
    (all === undefined ? '' : ` A false-positive rate of ${atMost(all)} would find all.`) +
    (found < images && all === undefined ? ' No rate finds all: some score like good images.' : '')
  return { images, found, moved, ...(all !== undefined && { rateForAll: all }), text }
}

const count = (n: number): string => `${n.toLocaleString('en-US')} good image${n === 1 ? '' : 's'}`

const upper = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** 0.05 → '5 %' */
const percent = (rate: number): string => `${Number((100 * rate).toPrecision(3))} %`

/** The same, rounded up. */
const atMost = (rate: number): string => percent(Math.min(1, Math.ceil(1000 * rate - 1e-9) / 1000))

import { Gauge } from 'prom-client'
import type { EventEmitter } from 'node:events'
import type { DriftEvent, ServerEvents, VerdictEvent } from './context.js'
import type { Metrics } from './metrics.js'

/** Recent images that are compared. */
const window = 256
/** Fewer say nothing. */
const least = 32
/** Images between two looks. */
const interval = 32
/**
 * Drift is said below this probability, of all tests of a look together. Looks of one window are 8: by the union bound fewer than
 * one in a hundred windows of good images raises an event, however much the looks share.
 */
const significance = 0.001
/** It is over above this one: what lies between keeps what was said. */
const over = 0.05

/** Recent scores of a detector against those of its calibration. */
export interface DriftStatus {
  readonly images: number
  /** Largest difference of the two distributions of scores, 0 … 1 (Kolmogorov-Smirnov); absent for under 32 images. */
  readonly distance?: number
  /** Probability of one at least as large without drift. */
  readonly pValue?: number
  /** Below 0.001 in `adjustedPValue` at the last look, and not above 0.05 since. */
  readonly drifting: boolean
  /** Share of recent images that were called anomalous. */
  readonly anomalous: number
  /**
   * Of every scale of features, the finest first: by how many deviations of single positions the mean log-likelihood of
   * recent images lies above that of the good images that were held out. Near 0 without drift; what is unusual lies below.
   */
  readonly scaleShifts?: readonly number[]
  /**
   * Probability of a shift at least as large, up or down, without drift: Student's t of the difference of two means, with the
   * spread of recent images for both, and as many degrees of freedom as the smaller of the two samples gives.
   */
  readonly scalePValues?: readonly number[]
  /** The least of the probabilities, of scores and of scales, times how many they are (Bonferroni). */
  readonly adjustedPValue?: number
  /** Mean of the p-values; 0.5 without drift, less where scores rose. */
  readonly meanPValue?: number
}

export type Drift = ReturnType<typeof watchDrift>

/**
 * Compares the scores of recent images with those of calibration. The conformal p-value of an image tells the rank of its
 * score among them, so that nothing else has to be kept: without drift p-values are uniform. Where the images that are sent
 * are mostly defective that is drift, too.
 */
export function watchDrift(events: EventEmitter<ServerEvents>, metrics: Metrics) {
  const recent = new Map<string, { values: number[]; anomalous: boolean[]; shifts: (readonly number[])[]; seen: number; drifting: boolean }>() // prettier-ignore
  const gauge = new Gauge({
    name: 'cflow_drift_distance',
    help: 'Kolmogorov-Smirnov distance of recent scores to those of calibration',
    labelNames: ['detector'],
    registers: [metrics.registry],
  })
  const shiftGauge = new Gauge({
    name: 'cflow_drift_scale_shift',
    help: 'Mean log-likelihood of recent images against calibration, in deviations, by scale of features',
    labelNames: ['detector', 'scale'],
    registers: [metrics.registry],
  })
  const pGauge = new Gauge({
    name: 'cflow_drift_p_value',
    help: 'Probability without drift of what recent images show, corrected for the number of tests',
    labelNames: ['detector'],
    registers: [metrics.registry],
  })
  const keyOf = (detector: string, version: number) => `${detector}@${version}`

  const status = (detector: string, version: number, calibration: number): DriftStatus => {
    const { values, anomalous, shifts, drifting } = recent.get(keyOf(detector, version)) ?? { values: [], anomalous: [], shifts: [], drifting: false } // prettier-ignore
    const images = values.length
    const share = images === 0 ? 0 : anomalous.filter(Boolean).length / images
    if (images < least) return { images, drifting: false, anomalous: share }
    const distance = distanceToUniform(values, calibration)
    const pValue = kolmogorov(distance, (images * calibration) / (images + calibration))
    const scaleShifts = meansOf(shifts)
    const known = scaleShifts.length > 0 && scaleShifts.every(Number.isFinite)
    const scalePValues = known
      ? scaleShifts.map((_, k) => shiftPValue(shifts.map((row) => row[k]!), calibration)) // prettier-ignore
      : []
    const tests = [pValue, ...scalePValues]
    const meanPValue = values.reduce((sum, v) => sum + v, 0) / images
    return {
      images,
      distance,
      pValue,
      adjustedPValue: Math.min(1, tests.length * Math.min(...tests)),
      drifting,
      anomalous: share,
      meanPValue,
      ...(known && { scaleShifts, scalePValues }),
    }
  }

  const add = (
    { detector, version, pValue, anomalous, at }: VerdictEvent,
    calibration: number,
    shifts: readonly number[] = [],
  ) => {
    const key = keyOf(detector, version)
    const kept = recent.get(key) ?? {
      values: [],
      anomalous: [],
      shifts: [],
      seen: 0,
      drifting: false,
    }
    recent.set(key, kept)
    kept.values.push(pValue)
    kept.anomalous.push(anomalous)
    if (shifts.length > 0) kept.shifts.push(shifts)
    if (kept.shifts.length > window) kept.shifts.shift()
    if (kept.values.length > window) {
      kept.values.shift()
      kept.anomalous.shift()
    }
    kept.seen++
    if (kept.values.length < least || kept.seen % interval !== 0 || calibration < 2) return
    const found = status(detector, version, calibration)
    const { distance = 0, pValue: probability = 1, adjustedPValue = 1, images, scaleShifts = [], scalePValues = [] } = found // prettier-ignore
    gauge.set({ detector }, distance)
    pGauge.set({ detector }, adjustedPValue)
    for (const [scale, shift] of scaleShifts.entries()) shiftGauge.set({ detector, scale }, shift)
    const drifting = kept.drifting ? adjustedPValue <= over : adjustedPValue < significance
    if (drifting === kept.drifting) return
    kept.drifting = drifting
    const scales = scaleShifts.map((shift, k) => ({ shift, pValue: scalePValues[k]! }))
    const event: DriftEvent = { at, detector, version, drifting, images, distance, pValue: probability, adjustedPValue, scales } // prettier-ignore
    events.emit('drift', event)
  }

  return { add, status }
}

/** The means of columns. */
const meansOf = (rows: readonly (readonly number[])[]): number[] =>
  (rows[0] ?? []).map((_, k) => rows.reduce((sum, row) => sum + (row[k] ?? NaN), 0) / rows.length)

/**
 * Largest difference between the distribution of p-values and that of calibration scores, whose p-values lie at
 * k/(n + 1), k = 1 … n: the two-sample statistic, from ranks alone.
 */
function distanceToUniform(pValues: readonly number[], n: number): number {
  const m = pValues.length
  const counts = new Map<number, number>()
  // p = (1 + scores at least as high)/(n + 1)
  for (const p of pValues) {
    const above = Math.max(0, Math.min(n, Math.round(p * (n + 1)) - 1))
    counts.set(above, (counts.get(above) ?? 0) + 1)
  }
  let seen = 0
  let largest = 0
  for (const [above, count] of [...counts].sort(([a], [b]) => a - b)) {
    // recent scores that are higher than all but `above` of calibration, before and after this rank
    largest = Math.max(largest, Math.abs(seen / m - above / n))
    seen += count
    largest = Math.max(largest, Math.abs(seen / m - above / n))
  }
  return largest
}

/** Probability of a distance at least as large by chance (Kolmogorov's distribution, with Stephens' correction). */
function kolmogorov(distance: number, size: number): number {
  const root = Math.sqrt(size)
  const x = (root + 0.12 + 0.11 / root) * distance
  if (x < 0.2) return 1
  let sum = 0
  for (let k = 1; k <= 100; k++) sum += 2 * (-1) ** (k - 1) * Math.exp(-2 * k * k * x * x)
  return Math.max(0, Math.min(1, sum))
}

/**
 * Two-sided probability of a mean as far from 0, which is the mean of `calibration` images: they and the recent ones are taken to
 * spread alike, and to be independent.
 */
function shiftPValue(recent: readonly number[], calibration: number): number {
  const n = recent.length
  if (n < least || calibration < 2) return 1
  const mean = recent.reduce((sum, v) => sum + v, 0) / n
  const variance = recent.reduce((sum, v) => sum + (v - mean) ** 2, 0) / (n - 1)
  if (mean === 0) return 1
  const t = Math.abs(mean) / Math.sqrt(variance * (1 / n + 1 / calibration))
  return studentTail(t, Math.min(n, calibration) - 1)
}

/** Probability of |T| > t of Student's distribution with a whole number of degrees of freedom (Abramowitz and Stegun 26.7.3). */
function studentTail(t: number, degrees: number): number {
  const angle = Math.atan(t / Math.sqrt(degrees))
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)]
  const isOdd = degrees % 2 === 1
  let term = isOdd ? cosine : 1
  let sum = degrees > 1 ? term : 0
  for (let k = isOdd ? 3 : 2; k <= degrees - 2; k += 2) {
    term *= ((k - 1) / k) * cosine ** 2
    sum += term
  }
  const within = isOdd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum
  return Math.max(0, Math.min(1, 1 - within))
}

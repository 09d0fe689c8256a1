import { Gauge } from 'prom-client'
import type { EventEmitter } from 'node:events'
import type { DriftEvent, ServerEvents, VerdictEvent } from './context.js'
import type { Metrics } from './metrics.js'

/** Recent images that are compared. */
const window = 256
/** Fewer say nothing. */
const least = 32
/** Drift is said below this probability. */
const significance = 0.001

/** Recent scores of a detector against those of its calibration. */
export interface DriftStatus {
  readonly images: number
  /** Largest difference of the two distributions of scores, 0 … 1 (Kolmogorov-Smirnov); absent for under 32 images. */
  readonly distance?: number
  /** Probability of one at least as large without drift. */
  readonly pValue?: number
  readonly drifting: boolean
  /** Share of recent images that were called anomalous. */
  readonly anomalous: number
  /**
   * Of every scale of features, the finest first: by how many deviations of single positions the mean log-likelihood of
   * recent images lies above that of the good images that were held out. Near 0 without drift; what is unusual lies below.
   */
  readonly scaleShifts?: readonly number[]
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
  const recent = new Map<string, { values: number[]; anomalous: boolean[]; shifts: (readonly number[])[]; drifting: boolean }>() // prettier-ignore
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
  const keyOf = (detector: string, version: number) => `${detector}@${version}`

  const status = (detector: string, version: number, calibration: number): DriftStatus => {
    const { values, anomalous, shifts } = recent.get(keyOf(detector, version)) ?? { values: [], anomalous: [], shifts: [] } // prettier-ignore
    const images = values.length
    const share = images === 0 ? 0 : anomalous.filter(Boolean).length / images
    if (images < least) return { images, drifting: false, anomalous: share }
    const distance = distanceToUniform(values, calibration)
    const pValue = kolmogorov(distance, (images * calibration) / (images + calibration))
    const scaleShifts = meansOf(shifts)
    const meanPValue = values.reduce((sum, v) => sum + v, 0) / images
    return {
      images,
      distance,
      pValue,
      drifting: pValue < significance,
      anomalous: share,
      meanPValue,
      ...(scaleShifts.every(Number.isFinite) && { scaleShifts }),
    }
  }

  const add = (
    { detector, version, pValue, anomalous, at }: VerdictEvent,
    calibration: number,
    shifts: readonly number[] = [],
  ) => {
    const key = keyOf(detector, version)
    const kept = recent.get(key) ?? { values: [], anomalous: [], shifts: [], drifting: false }
    recent.set(key, kept)
    kept.values.push(pValue)
    kept.anomalous.push(anomalous)
    if (shifts.length > 0) kept.shifts.push(shifts)
    if (kept.shifts.length > window) kept.shifts.shift()
    if (kept.values.length > window) {
      kept.values.shift()
      kept.anomalous.shift()
    }
    // 256 values are sorted in no time, but not for every image
    if (kept.values.length < least || kept.values.length % 8 !== 0 || calibration === 0) return
    const { distance = 0, pValue: probability = 1, drifting, images, scaleShifts = [] } = status(detector, version, calibration) // prettier-ignore
    gauge.set({ detector }, distance)
    for (const [scale, shift] of scaleShifts.entries()) shiftGauge.set({ detector, scale }, shift)
    if (drifting === kept.drifting) return
    kept.drifting = drifting
    const event: DriftEvent = { at, detector, version, drifting, images, distance, pValue: probability } // prettier-ignore
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

import { anomalyOf, type Manifest } from '@cflow/core'
import { thresholdFor, verdict } from '@cflow/detector'
import type { Filter, State } from '../state/state.js'
import { count } from '../ui/format.js'
import type { Item, Verdict } from './item.js'

/** A verdict at another false-positive rate, or with a threshold of a person's own, without running the model again. */
export const judged = (
  manifest: Manifest,
  detection: Verdict,
  rate: number | undefined,
  placed?: number,
): Verdict => ({
  ...detection,
  ...verdict(manifest, detection.score, ratedThreshold(manifest, rate, placed)),
})

/** The threshold in use, and the rate that it stands for. */
export function ratedThreshold(
  manifest: Manifest,
  rate: number | undefined,
  placed?: number,
): ReturnType<typeof thresholdFor> {
  if (placed === undefined) return thresholdFor(manifest, rate)
  const { scores } = manifest.calibration
  const above = scores.filter((s) => s > placed).length
  return {
    threshold: placed,
    falsePositiveRate: (above + 1) / (scores.length + 1),
    guaranteed: false,
  }
}

/**
 * What stands for the threshold in the map of one scale alone: its anomaly where all scales, each by as much above its usual one,
 * make the threshold together.
 */
export function scaleThreshold(
  { aggregation, scales }: Pick<Manifest, 'aggregation' | 'scales'>,
  threshold: number,
  scale: number,
): number {
  // as anomalous as the scales agree
  if (aggregation === 'softMinimum') return threshold
  const usual = scales.map((s) => anomalyOf(aggregation, s, s.mean))
  const total = usual.reduce((sum, u) => sum + u, 0)
  return usual[scale]! + (threshold - total) / scales.length
}

/** The images to show: those that the filter lets through, in order. Equal scores keep the order in which they came. */
export function arranged(
  items: readonly Item[],
  { sort, filter }: Pick<State, 'sort' | 'filter'>,
  threshold: number,
): readonly Item[] {
  const isShown: Record<Filter, (i: Item) => boolean> = {
    all: () => true,
    anomalous: (i) => i.detection !== undefined && i.detection.score > threshold,
    good: (i) => i.detection !== undefined && i.detection.score <= threshold,
    marked: (i) => i.mark !== undefined,
    failed: (i) => i.failure !== undefined,
  }
  const shown = filter === 'all' ? items : items.filter(isShown[filter])
  if (sort === 'given') return shown
  const sign = sort === 'highest' ? -1 : 1
  // what has no score comes last
  const key = (i: Item) => (i.detection ? sign * i.detection.score : Infinity)
  return shown
    .map((item) => [key(item), item] as const)
    .sort(([a], [b]) => (a === b ? 0 : a - b))
    .map(([, item]) => item)
}

/** How many images were judged, and how: against the truth where it is known. */
export function summaryOf(items: readonly Item[], threshold: number): string {
  const done = items.flatMap((i) => (i.detection ? [{ ...i, score: i.detection.score }] : []))
  const bad = done.filter((i) => i.score > threshold)
  const failed = items.filter((i) => i.failure).length
  const waiting = items.length - done.length - failed
  const text = `${count(done.length, 'image')}, ${bad.length} anomalous`
  const rest =
    (failed > 0 ? `, ${failed} without a verdict` : '') +
    (waiting > 0 ? `, ${waiting} waiting` : '')
  if (done.length === 0 || done.some((i) => i.truth === undefined)) return text + rest
  const defects = done.filter((i) => i.truth !== 'good')
  const found = defects.filter((i) => i.score > threshold).length
  return `${text}: found ${found} of ${count(defects.length, 'defect')}, ${count(bad.length - found, 'false alarm')}${rest}`
}

/** The slider's 0 … 100 as false-positive rates of 0.5 … 50 %, in equal ratios. */
const [minRate, maxRate] = [0.005, 0.5]

export const rateOf = (position: number): number =>
  Number((minRate * (maxRate / minRate) ** (position / 100)).toPrecision(2))

export const positionOf = (rate: number): number =>
  Math.round((100 * Math.log(rate / minRate)) / Math.log(maxRate / minRate))

import type { Manifest } from '@cflow/core'
import { thresholdFor, verdict, type Detection } from '@cflow/detector'
import { count } from '../ui/format.js'
import type { Item } from './item.js'

/** A detection judged at another false-positive rate, without running the model again. */
export const judged = (
  manifest: Manifest,
  detection: Detection,
  rate: number | undefined,
): Detection => ({
  ...detection,
  ...verdict(manifest, detection.score, thresholdFor(manifest, rate)),
})

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

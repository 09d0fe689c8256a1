import { csvField } from '@cflow/base'
import type { ReportInput } from './input.js'
import { outcomeOf } from './outcome.js'

/**
 * Every score of a report as comma-separated values (RFC 4180), a line an image: those that were judged, those that set the
 * threshold, and the known defects.
 */
export function scoresCsv({
  scores,
  manifest,
  calibration,
}: Pick<ReportInput, 'scores' | 'manifest' | 'calibration'>): string {
  const { threshold } = manifest.calibration
  const head = ['image', 'role', 'label', 'defect', 'score', 'threshold', 'verdict', 'outcome', 'p_value'] // prettier-ignore
  const judged = scores.map((s) => [
    ...[s.id, 'test', s.label === 'anomalous' ? 'defect' : s.label, s.defect],
    ...[s.score, s.threshold, s.anomalous ? 'anomalous' : 'good', outcomeOf(s), s.pValue],
  ])
  // what set the threshold is no evidence of how it does: no outcome
  const good = (calibration?.images ?? []).map(({ id, score }) => [
    ...[id, 'calibration', 'good', 'good', score, threshold],
    ...[score > threshold ? 'anomalous' : 'good', '', ''],
  ])
  const defects = (calibration?.defects ?? []).map(({ id, score }) => [
    ...[id, 'known defect', 'defect', '', score, threshold],
    ...[score > threshold ? 'anomalous' : 'good', '', ''],
  ])
  return [head, ...judged, ...good, ...defects].map((row) => `${row.map(field).join(',')}\r\n`).join('') // prettier-ignore
}

/** What a spreadsheet would take for a formula begins with an apostrophe. */
function field(value: string | number): string {
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : ''
  return csvField(/^[=+\-@\t\r]/.test(value) ? `'${value}` : value)
}

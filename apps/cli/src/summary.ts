import type { Manifest } from '@cflow/core'
import { knownDefectsOf, promiseOf } from '@cflow/detector'
import type { TimedEvaluation } from '@cflow/metrics'
import { listing } from './io.js'

/** A rate for reading; a dash for one that cannot be computed. */
export const rate = (value: number): string => (Number.isFinite(value) ? value.toFixed(4) : '–')

const percent = (value: number): string =>
  Number.isFinite(value) ? `${Number((100 * value).toFixed(1))} %` : '–'

/**
 * What came of a training or an evaluation, as lines for people.
 * @param ownEvidence number of the good images judged that are those that set the threshold
 */
export function summary(
  evaluation: TimedEvaluation | undefined,
  manifest: Manifest,
  extra: readonly (readonly [string, string])[] = [],
  ownEvidence = 0,
): string {
  const rows: (readonly [string, string])[] = []
  if (evaluation) {
    const { image, pixel, operatingPoint, best, timing } = evaluation
    const precision = rate(image.averagePrecision)
    rows.push(['images', `AUROC ${rate(image.auroc)}  AP ${precision}  F1 ${rate(image.f1Max)}`])
    if (pixel) {
      const { auroc, aupro, f1Max } = pixel
      rows.push(['pixels', `AUROC ${rate(auroc)}  AUPRO ${rate(aupro)}  F1 ${rate(f1Max)}`])
    }
    if (operatingPoint) {
      const { threshold, truePositiveRate, falsePositiveRate } = operatingPoint
      const found = `finds ${percent(truePositiveRate)} of the defects`
      const alarms =
        ownEvidence > 0
          ? `false alarms not measured: ${ownEvidence} of the good images set the threshold`
          : `false alarms on ${percent(falsePositiveRate)}`
      rows.push(['threshold', `${threshold.toPrecision(6)}  ${found}, ${alarms}`])
    }
    if (best) {
      const epoch = (name: string, e: typeof best.image | undefined) =>
        e ? [`${name} ${rate(e.value)} (pass ${e.pass})`] : []
      const { image, pixel, aupro } = best
      const epochs = [epoch('image', image), epoch('pixel', pixel), epoch('AUPRO', aupro)]
      rows.push(['best epoch', epochs.flat().join('  ')])
    }
    rows.push(['protocol', evaluation.protocol])
    rows.push(['speed', `${timing.millisecondsPerImage.toFixed(1)} ms an image`])
  } else {
    const { threshold } = manifest.calibration
    rows.push([
      'threshold',
      `${threshold.toPrecision(6)}  no labelled test images to measure it with`,
    ])
  }
  const { setBy } = manifest.calibration
  const promise = promiseOf(manifest)
  const nearest = promise.kind === 'none' && promise.nearest !== undefined
  const flag = Math.ceil(1000 * (promise.nearest ?? 0) - 1e-9) / 1000
  const sentences = promise.text.split(/(?<=\.) /)
  sentences.forEach((sentence, i) => rows.push([i === 0 ? 'promise' : '', sentence]))
  if (nearest) rows.push(['', `--false-positive-rate ${flag} asks for that.`])
  if (setBy) rows.push(['set by', `${setBy.id} (score ${setBy.score.toPrecision(6)})`])
  const known = knownDefectsOf(manifest)
  if (known) rows.push(['defects', known.text])
  return listing([...rows, ...extra])
}

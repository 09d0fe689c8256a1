import type { Manifest } from '@cflow/core'
import type { TimedEvaluation } from '@cflow/metrics'

/** A rate for reading; a dash for one that cannot be computed. */
export const rate = (value: number): string => (Number.isFinite(value) ? value.toFixed(4) : '–')

const percent = (value: number): string =>
  Number.isFinite(value) ? `${Number((100 * value).toFixed(1))} %` : '–'

/** What came of a training or an evaluation, as lines for people. */
export function summary(
  evaluation: TimedEvaluation | undefined,
  manifest: Manifest,
  extra: readonly (readonly [string, string])[] = [],
): string {
  const rows: (readonly [string, string])[] = []
  if (evaluation) {
    const { image, pixel, operatingPoint, timing } = evaluation
    rows.push([
      'images',
      `AUROC ${rate(image.auroc)}  AP ${rate(image.averagePrecision)}  F1 ${rate(image.f1Max)}`,
    ])
    if (pixel)
      rows.push([
        'pixels',
        `AUROC ${rate(pixel.auroc)}  AUPRO ${rate(pixel.aupro)}  F1 ${rate(pixel.f1Max)}`,
      ])
    if (operatingPoint)
      rows.push([
        'threshold',
        `${operatingPoint.threshold.toPrecision(6)}  finds ${percent(operatingPoint.truePositiveRate)} of the defects, false alarms on ${percent(operatingPoint.falsePositiveRate)}`,
      ])
    const { best } = evaluation
    if (best)
      rows.push([
        'best epoch',
        [
          `image ${rate(best.image.value)} (pass ${best.image.pass})`,
          best.pixel && `pixel ${rate(best.pixel.value)} (pass ${best.pixel.pass})`,
          best.aupro && `AUPRO ${rate(best.aupro.value)} (pass ${best.aupro.pass})`,
        ]
          .filter(Boolean)
          .join('  '),
      ])
    rows.push(['protocol', evaluation.protocol])
    rows.push(['speed', `${timing.millisecondsPerImage.toFixed(1)} ms an image`])
  } else {
    const { threshold, falsePositiveRate } = manifest.calibration
    rows.push([
      'threshold',
      `${threshold.toPrecision(6)}  for false alarms on ${percent(falsePositiveRate)}; no labelled test images`,
    ])
  }
  return [...rows, ...extra].map(([name, text]) => `${name.padEnd(10)} ${text}\n`).join('')
}

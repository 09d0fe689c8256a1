import { count, number, percent } from '../format.js'
import type { ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'
import { imageThreshold, tally, wilson, type Tally } from '../verdict.js'

/** The calibrated threshold: the false-positive rate it promises and what was counted on the test images. */
export function thresholdTable(input: ReportInput): Markup {
  const { calibration } = input.manifest
  const threshold = imageThreshold(input)
  const of = (label: string) =>
    tally(
      input.scores.filter((s) => s.label === label),
      threshold,
    )
  const unknown = of('unknown')
  const { asked, why, basis } = promiseOf(input.manifest)
  const fixed = input.evaluation?.protocol === 'paper' ? '' : ', no test image has moved it'
  return markup`<table><caption>Calibrated threshold: fixed on ${basis}${fixed}</caption>
<tbody>
<tr><th scope="row">Threshold<span class="note">an image is called anomalous above it</span></th><td class="number">${number(threshold, 4)}</td></tr>
<tr><th scope="row">${asked}<span class="note">${why}</span></th><td class="number">${calibration.guaranteed && '≤ '}${percent(calibration.falsePositiveRate)}</td></tr>
${rateRow('False alarms measured', of('good'), 'no good test images', input.evaluation?.operatingPoint?.falsePositiveRate)}
${rateRow('Defects caught', of('anomalous'), 'no defective test images', input.evaluation?.operatingPoint?.truePositiveRate)}
${unknown.images > 0 && rateRow('Unlabelled images called anomalous', unknown, '')}
</tbody></table>`
}

/** What the false-positive rate is worth: a guarantee, or what was aimed at and why it is no more. */
function promiseOf({ calibration, training }: ReportInput['manifest']) {
  const { guaranteed, source, falsePositiveRate } = calibration
  const basis = source === 'training' ? 'the training images themselves' : 'held-out good images'
  if (guaranteed) {
    const why = `guaranteed for images like the ${training.heldOut} held-out ones`
    return { asked: 'False alarms promised', why, basis }
  }
  const needed = Math.ceil(1 / falsePositiveRate - 1 - 1e-9)
  const few = training.heldOut === 1 ? 'is' : 'are'
  const why =
    source === 'training'
      ? 'not guaranteed: no images were held out, and those trained on score lower than new ones'
      : `an extrapolation: ${count(training.heldOut, 'held-out image')} ${few} too few to guarantee it, ${needed} would do`
  return { asked: 'False alarms aimed at', why, basis }
}

function rateRow(name: string, { images, called }: Tally, reason: string, rate?: number): Markup {
  if (images === 0)
    return markup`<tr><th scope="row">${name}<span class="note">${reason}</span></th><td class="number">–</td></tr>`
  const measured = rate !== undefined && Number.isFinite(rate) ? rate : called / images
  const [low, high] = wilson(called, images)
  return markup`<tr><th scope="row">${name}<span class="note">${called} of ${count(images, 'image')}; 95 % interval ${percent(low)} to ${percent(high)}</span></th><td class="number">${percent(measured)}</td></tr>`
}

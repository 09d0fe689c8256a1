import { methodTitle, type Manifest } from '@cflow/core'
import { knownDefectsOf } from '@cflow/detector'
import type { BestEpochs } from '@cflow/metrics'
import { bytes, count, number, percent } from '../format.js'
import type { ReportInput } from '../input.js'
import { markup, type Markup, type Part } from '../markup.js'
import { tally } from '../outcome.js'
import { ownImages } from './results.js'

/** What was trained, what came of it in a sentence, and the numbers people ask for first. */
export function headerSection(input: ReportInput): Markup {
  return markup`<header>
<p class="kicker">Anomaly detector report</p>
<h1>${titleOf(input)}</h1>
<p class="verdict">${verdictSentence(input)}</p>
${tiles(input)}
${protocolLine(input)}
${facts(input)}
</header>`
}

/** The heading of a detector's report on a category. */
export function titleOf({ category, manifest }: ReportInput) {
  const { flows, encoder, inputSize } = manifest
  const how = flows.length > 0 ? encoder.name : `${methodTitle(manifest)} on ${encoder.name}`
  return `${category}: ${how}, ${inputSize} pixels`
}

/** The result in a sentence, in words an inspector uses. */
function verdictSentence({ scores, evaluation, manifest, ownEvidence = 0 }: ReportInput): string {
  const good = tally(scores, 'good')
  const bad = tally(scores, 'anomalous')
  const unknown = tally(scores, 'unknown')
  const sentences: string[] = []
  const measured = good.images > 0 && ownEvidence === 0
  if (bad.images > 0)
    sentences.push(
      `At its calibrated threshold the detector caught ${bad.called} of ${count(bad.images, 'defective image')}` +
        (measured
          ? ` and raised a false alarm on ${good.called} of ${count(good.images, 'good one')}.`
          : good.images > 0
            ? '.'
            : '. There were no good images to measure false alarms with.'),
    )
  else if (measured)
    sentences.push(
      `At its calibrated threshold the detector raised a false alarm on ${good.called} of ${count(good.images, 'good image')}. There were no defective images, so what it catches could not be measured.`,
    )
  if (ownEvidence > 0) sentences.push(`False alarms were ${ownImages(ownEvidence)}.`)
  if (unknown.images > 0)
    sentences.push(
      `${bad.images + good.images > 0 ? 'Of' : 'At its calibrated threshold, of'} ${count(unknown.images, 'unlabelled image')} it called ${unknown.called} anomalous; whether rightly is not known.`,
    )
  if (scores.length === 0)
    sentences.push(
      'No images were judged: what it catches, and how often it raises false alarms, was not measured.',
      setText(manifest),
    )
  const auroc = evaluation?.image.auroc ?? NaN
  if (Number.isFinite(auroc))
    sentences.push(
      `A random defective image scores above a random good one ${percent(auroc)} of the time.`,
    )
  return sentences.join(' ')
}

/** What a detector that was not measured can say of its threshold. */
function setText(manifest: Manifest): string {
  const { scores } = manifest.calibration
  const known = knownDefectsOf(manifest)
  return [
    scores.length > 0 && `${count(scores.length, 'good image')} set its threshold, at ${number(manifest.calibration.threshold, 4)}.`, // prettier-ignore
    known?.text,
  ]
    .filter(Boolean)
    .join(' ')
}

function tiles({ evaluation }: ReportInput): Markup | undefined {
  if (!evaluation) return undefined
  const { image, pixel, operatingPoint: point } = evaluation
  const shown: [string, number, string][] = [
    ['Image AUROC', image.auroc, 'ranks defective above good'],
    ['Pixel AUROC', pixel?.auroc ?? NaN, 'finds the place'],
    ['AUPRO to 0.3', pixel?.aupro ?? NaN, 'finds every defect'],
    ['Defects caught', point?.truePositiveRate ?? NaN, 'at the calibrated threshold'],
    ['False alarms', point?.falsePositiveRate ?? NaN, 'at the calibrated threshold'],
  ]
  const known = shown.filter(([, value]) => Number.isFinite(value))
  if (known.length === 0) return undefined
  return markup`<ul class="tiles">${known.map(([name, value, what]) => markup`<li><span class="tile-name">${name}</span> <strong>${percent(value)}</strong> <span class="note">${what}</span></li>`)}</ul>`
}

function protocolLine({ evaluation }: ReportInput): Markup | undefined {
  if (!evaluation) return undefined
  return evaluation.protocol === 'strict'
    ? markup`<p class="protocol"><strong>Protocol: strict.</strong> The threshold, the model and its scores were fixed before the test images were looked at; AUPRO is exact. Metrics that choose their own threshold (F1-max) say so.</p>`
    : markup`<p class="protocol"><strong>Protocol: paper.</strong> The rules of the CFLOW-AD authors’ code, for comparison with published tables: scores are normalised over the whole test set and AUPRO is sampled, so expect slightly rosier numbers than in use. The threshold, what it catches and the pictures are of the detector’s own scores.${evaluation.best && ` Best of ${evaluation.best.passes.length} epochs, chosen on the test images themselves: ${bestLine(evaluation.best)}.`}</p>`
}

const bestLine = ({ image, pixel, aupro }: BestEpochs): string =>
  [['image AUROC', image] as const, ['pixel AUROC', pixel] as const, ['AUPRO', aupro] as const]
    .map(([name, b]) => b && `${name} ${percent(b.value, 2)} after pass ${b.pass}`)
    .filter(Boolean)
    .join(', ')

function facts({ manifest, modelBytes, made = {} }: ReportInput): Markup {
  const { encoder, training, inputSize, software } = manifest
  const scales = encoder.taps.map((t) => `${t.name} (${t.height}×${t.width}×${t.channels})`)
  const rows: [string, Part][] = [
    ['Category', manifest.category],
    ['Encoder', markup`${encoder.name}<br><span class="note">${scales.join(', ')}</span>`],
    ['Input size', `${inputSize} × ${inputSize} pixels`],
    manifest.flows.length > 0 ? ['Recipe', recipeOf(manifest)] : ['Method', methodOf(manifest)],
    [
      'Training',
      `${count(training.images, 'good image')}, ${count(training.passes, 'pass', 'passes')}, seed ${training.seed}`,
    ],
    ['Calibration', calibrationOf(manifest)],
    ['Detector file', bytes(modelBytes)],
    ['Threshold', number(manifest.calibration.threshold, 4)],
    ['Software', `${software.name} ${software.version}`],
    ...(made.date === undefined ? [] : [['Made', made.date] satisfies [string, Part]]),
    ...(made.folder === undefined ? [] : [['Images', made.folder] satisfies [string, Part]]),
  ]
  return markup`<dl class="facts">${rows.map(([name, value]) => markup`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>${made.command !== undefined && markup`<p class="command">Made by <code>${made.command}</code></p>`}`
}

/** With what the threshold was found. */
function calibrationOf({ calibration, training }: Manifest): string {
  const { source, folds, scores } = calibration
  const images = count(scores.length, 'good image')
  if (source === 'folds') return `${images}, each judged without it in ${folds ?? 'several'} folds`
  if (source === 'training') return `${images} of the training; none was held out`
  return `${count(training.heldOut, 'good image')}, held out`
}

function recipeOf({ recipe, flows, aggregation }: Manifest): string {
  const [flow] = flows
  return [
    recipe,
    ...(flow ? [count(flow.couplingLayers, 'coupling layer')] : []),
    `${aggregation} score`,
  ].join(', ')
}

/** A baseline's name and settings, such as `PaDiM (channels 100)`. */
function methodOf(manifest: Manifest): string {
  const parts = Object.entries(manifest.settings ?? {}).map(([name, value]) => `${name} ${value}`)
  const title = methodTitle(manifest)
  return parts.length > 0 ? `${title} (${parts.join(', ')})` : title
}

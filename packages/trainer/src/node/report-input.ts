import type { Manifest } from '@cflow/core'
import type { Sample } from '@cflow/datasets'
import { rocCurve } from '@cflow/metrics'
import type { Runtime } from '@cflow/runtimes'
import type { ImageScore } from '../evaluate.js'
import type { PassRecord } from '@cflow/methods'
import type { Evaluation } from '../evaluation.js'
import type { ReportInput } from '../report/input.js'
import type { Scorer } from '../scorer.js'
import { chooseExamples } from './choose-examples.js'
import type { Judgement } from './judge.js'
import { loadExamples } from './load-examples.js'
import { reportTitle } from './report-title.js'

/** Points of a curve: enough for a picture. */
const points = 400

export interface ReportSources {
  readonly category: string
  readonly model: Uint8Array | Scorer
  readonly manifest: Manifest
  /** The judged images, in the order of the scores. */
  readonly samples: readonly Sample[]
  readonly judgement: Judgement
  readonly history: readonly PassRecord[]
  readonly runtime: Runtime
}

/** All a report shows, from a detector and what it said of images; the examples are chosen and run again. */
export async function reportInput(sources: ReportSources): Promise<ReportInput> {
  const { category, model, manifest, judgement, history } = sources
  const { evaluation, scores, pixels } = judgement
  const threshold = manifest.calibration.threshold
  const found = judgement.pixelThreshold ?? NaN
  const measured = judgement.measured ?? judgement
  const curves = {
    ...imageCurve(measured.scores, evaluation),
    ...(measured.pixels && pixelCurves(measured.pixels)),
  }
  return {
    title: reportTitle(category, manifest),
    manifest,
    ...(evaluation && { evaluation }),
    pixelThreshold: Number.isFinite(found) ? found : threshold,
    scores,
    examples: await loadExamples({ ...sources, choices: chooseExamples(scores, threshold) }),
    ...(pixels && { histogram: pixels.scoreHistogram({ bins: 4000 }) }),
    curves,
    history,
    modelBytes: model instanceof Uint8Array ? model.length : 0,
  }
}

function imageCurve(
  scores: readonly ImageScore[],
  evaluation: Evaluation | undefined,
): Pick<NonNullable<ReportInput['curves']>, 'imageRoc'> {
  if (!evaluation || Number.isNaN(evaluation.image.auroc)) return {}
  const known = scores.filter((s) => s.label !== 'unknown')
  const labels = known.map((s) => s.label === 'anomalous')
  const { fpr, tpr } = rocCurve(
    known.map((s) => s.score),
    labels,
    points,
  )
  return { imageRoc: { x: fpr, y: tpr } }
}

function pixelCurves(
  pixels: NonNullable<Judgement['pixels']>,
): Pick<NonNullable<ReportInput['curves']>, 'pixelRoc' | 'pro'> {
  const { normal, regions } = pixels.counts
  if (normal === 0 || regions === 0) return {}
  const roc = pixels.rocCurve(points)
  const pro = pixels.proCurve({ limit: 0.3, maxPoints: points })
  return { pixelRoc: { x: roc.fpr, y: roc.tpr }, pro: { x: pro.fpr, y: pro.overlap } }
}

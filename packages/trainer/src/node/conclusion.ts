import type { Dataset, Sample } from '@cflow/datasets'
import { chooseExamples, scoresCsv, type CalibrationImages, type Judgement, type ReportInput } from '@cflow/report' // prettier-ignore
import { renderReport } from '@cflow/report/node'
import type { Runtime } from '@cflow/runtimes'
import type { CalibrationScore, FitResult } from '../fit.js'
import { judge, loadExamples, type JudgeOptions } from '../judge.js'
import { suspicionText } from '../suspicious.js'
import { metricsDocument, type MetricsSources } from './metrics-document.js'

export interface ConclusionOptions
  extends
    Pick<MetricsSources, 'manifest' | 'config' | 'history' | 'dropped'>,
    Omit<JudgeOptions, 'samples' | 'runtime'> {
  readonly dataset: Dataset
  readonly runtime: Runtime
  /** Milliseconds of the clock (`performance.now`) when the work began. */
  readonly began: number
  /** What set the threshold, after a training. */
  readonly calibrated?: CalibrationSources
  /** What is to be said before what the judgement finds, a sentence each. */
  readonly remarks?: readonly string[]
  /** From what and how it was made, for the report. */
  readonly made: Omit<NonNullable<ReportInput['made']>, 'date'>
  /** False where only the figures are wanted. */
  readonly withReport?: boolean
}

/** A training's calibration images, and the known defects that it was shown. */
interface CalibrationSources
  extends Pick<FitResult, 'defectScores'>, Record<'images', readonly CalibrationScore[]> {
  readonly knownDefects: readonly Sample[]
}

export interface Conclusion {
  readonly judgement: Judgement
  /** The content of metrics.json. */
  readonly metrics: Readonly<Record<string, unknown>>
  /** The texts of report.html and scores.csv. */
  readonly pages?: { readonly report: string; readonly scores: string }
}

/** What came of a training or an evaluation: the test images judged, the figures, and the report with every score. */
export async function conclusion({
  withReport = true,
  made,
  remarks: before = [],
  calibrated,
  dataset,
  began,
  ...options
}: ConclusionOptions): Promise<Conclusion> {
  const { model, manifest, runtime, config, history = [], dropped = [], seconds = {} } = options
  const { category, test, reading } = dataset
  const subject = { model, samples: test, runtime }
  const judged = await judge({ ...options, samples: test })
  const remarks = [...before, ...(judged.remarks ?? [])]
  const judgement = { ...judged, ...(remarks.length > 0 && { remarks }) }
  const modelBytes = model.length
  const pages = async () => {
    const input: ReportInput = {
      ...judgement,
      ...{ category, manifest, reading, history, modelBytes },
      examples: await loadExamples({ ...subject, choices: chooseExamples(judged.scores) }),
      dropped: dropped.map((s) => ({ id: s.id, why: suspicionText(s) })),
      ...(calibrated && { calibration: await calibrationImages(options, dataset, calibrated) }),
      made: { date: minuteOf(new Date()), ...made },
    }
    return { report: await renderReport(input), scores: scoresCsv(input) }
  }
  const texts = withReport ? await pages() : undefined
  const metrics = metricsDocument({
    ...{ manifest, judgement, dataset, runtime: runtime.name, modelBytes, dropped },
    seconds: { ...seconds, total: (performance.now() - began) / 1000 },
    ...(config && { config, history }),
  })
  return { judgement, metrics, ...(texts && { pages: texts }) }
}

/** 2026-01-31 12:34 UTC */
const minuteOf = (date: Date): string =>
  date
    .toISOString()
    .replace(/:\d\d\.\d+Z$/, ' UTC')
    .replace('T', ' ')

/** The images that set the threshold, and the one that decided as the detector sees it. */
async function calibrationImages(
  { model, manifest, runtime }: Pick<ConclusionOptions, 'model' | 'manifest' | 'runtime'>,
  { train }: Dataset,
  { images, knownDefects, defectScores }: CalibrationSources,
): Promise<CalibrationImages> {
  const defects = knownDefects.map(({ id }, i) => ({ id, score: defectScores[i] ?? NaN }))
  const { setBy } = manifest.calibration
  const decided = images.find(({ id, score }) => id === setBy?.id && score === setBy.score)
  const sample = decided && train[decided.index]
  const samples = sample ? [sample] : []
  const choices = samples.map((_, index) => ({ index, group: 'doubtful' as const }))
  const [decisive] = await loadExamples({ model, runtime, samples, choices })
  return { images, defects, ...(decisive && { decisive }) }
}

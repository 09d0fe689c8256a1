import type { Manifest } from '@cflow/core'
import type { Dataset, Sample } from '@cflow/datasets'
import type { BestEpochs, Protocol } from '@cflow/metrics'
import { chooseExamples, scoresCsv, type CalibrationImages } from '@cflow/report'
import { renderReport } from '@cflow/report/node'
import type { Runtime } from '@cflow/runtimes'
import type { PassRecord, TrainConfig } from '@cflow/methods'
import {
  judge,
  loadExamples,
  suspicionText,
  type CalibrationScore,
  type EvaluateAt,
  type Suspicion,
} from '@cflow/trainer'
import { metricsDocument, runPaths, type Run } from '@cflow/trainer/node'
import { tellRemarks } from '../dataset.js'
import { madeBy, note, printJson, type Session } from '../io.js'
import type { ProgressReporter } from '../progress/reporter.js'
import { summary } from '../summary.js'

/** A training that is over. */
export interface Trained {
  /** The detector file. */
  readonly model: Uint8Array
  readonly manifest: Manifest
  readonly config: TrainConfig
  readonly history: readonly PassRecord[]
  /** Training images that were left out. */
  readonly dropped?: readonly Suspicion[]
  /** Seconds of each stage. */
  readonly seconds: Readonly<Record<string, number>>
  readonly dataset: Dataset
  /** The images that set the threshold. */
  readonly calibration: readonly CalibrationScore[]
  /** Defects that were shown and not learned from, and their scores. */
  readonly knownDefects: readonly Sample[]
  readonly defectScores: readonly number[]
  /** What is to be said of the training images. */
  readonly remarks: readonly string[]
  readonly runtime: Runtime
  readonly protocol: Protocol
  readonly evaluateAt?: EvaluateAt | undefined
  readonly best?: BestEpochs | undefined
  /** Folder of the run. */
  readonly out: string
  /** Milliseconds of the clock when the command began. */
  readonly began: number
}

/** Evaluate what was trained, write the run's files, and print what came of it. */
export async function conclude(
  session: Session,
  trained: Trained,
  progress: ProgressReporter,
  run: Run,
): Promise<void> {
  const { model, manifest, config, history, dataset, runtime, out, protocol, best, seconds } =
    trained
  const { category, test, reading } = dataset
  const { dropped = [] } = trained
  for (const s of dropped) note(session, `left out: ${s.id}, ${suspicionText(s)}`)
  const subject = { model, samples: test, runtime }
  const { onProgress } = progress
  const { evaluateAt } = trained
  const judgement = await judge({ ...subject, protocol, evaluateAt, best, seconds, onProgress })
  const remarks = [...trained.remarks, ...(judgement.remarks ?? [])]
  const judged = { ...judgement, ...(remarks.length > 0 && { remarks }) }
  const { evaluation } = judged
  const examples = await loadExamples({ ...subject, choices: chooseExamples(judged.scores) })
  const modelBytes = model.length
  const input = {
    ...judged,
    ...{ category, manifest, reading, examples, history, modelBytes },
    dropped: dropped.map((s) => ({ id: s.id, why: suspicionText(s) })),
    calibration: await calibrationOf(trained),
    made: madeBy(session, reading?.root),
  }
  const report = await renderReport(input)
  const total = (performance.now() - trained.began) / 1000
  const metrics = metricsDocument({
    manifest,
    judgement: judged,
    dataset,
    runtime: runtime.name,
    modelBytes,
    seconds: { ...seconds, total },
    config,
    history,
    dropped,
  })
  session.io.signal.throwIfAborted()
  await run.write({ model, metrics, report, scores: scoresCsv(input) })
  progress.end()
  tellRemarks(session, remarks)
  const { checkpoint, ...paths } = runPaths(out)
  const files = { ...paths, ...('passes' in config && { checkpoint }) }
  if (session.json) return printJson(session, { ...metrics, files })
  session.io.out(
    summary(
      evaluation,
      manifest,
      [
        ['time', `${((performance.now() - trained.began) / 1000).toFixed(1)} s`],
        ['detector', `${paths.model} (${(modelBytes / 1e6).toFixed(1)} MB)`],
        ['report', paths.report],
      ],
      judged.ownEvidence,
    ),
  )
}

/** The images that set the threshold, and the one that decided as the detector sees it. */
async function calibrationOf({
  model,
  manifest,
  runtime,
  dataset,
  calibration: images,
  knownDefects,
  defectScores,
}: Trained): Promise<CalibrationImages> {
  const defects = knownDefects.map(({ id }, i) => ({ id, score: defectScores[i] ?? NaN }))
  const { setBy } = manifest.calibration
  const decided = images.find(({ id, score }) => id === setBy?.id && score === setBy.score)
  const sample = decided && dataset.train[decided.index]
  const samples = sample ? [sample] : []
  const choices = samples.map((_, index) => ({ index, group: 'doubtful' as const }))
  const [decisive] = await loadExamples({ model, runtime, samples, choices })
  return { images, defects, ...(decisive && { decisive }) }
}

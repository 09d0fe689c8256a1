import type { Manifest } from '@cflow/core'
import type { Dataset, Sample } from '@cflow/datasets'
import type { BestEpochs, Protocol } from '@cflow/metrics'
import type { Runtime } from '@cflow/runtimes'
import type { PassRecord, TrainConfig } from '@cflow/methods'
import {
  suspicionText,
  type CalibrationScore,
  type EvaluateAt,
  type Suspicion,
} from '@cflow/trainer'
import { conclusion, runPaths, type Run } from '@cflow/trainer/node'
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
  const { model, manifest, config, calibration: images, knownDefects, defectScores, out } = trained
  const { dropped = [] } = trained
  for (const s of dropped) note(session, `left out: ${s.id}, ${suspicionText(s)}`)
  const { onProgress } = progress
  const { judgement, metrics, pages } = await conclusion({
    ...trained,
    ...{ onProgress, calibrated: { images, knownDefects, defectScores } },
    made: madeBy(session, trained.dataset.reading?.root),
  })
  session.io.signal.throwIfAborted()
  await run.write({ model, metrics, ...pages })
  progress.end()
  tellRemarks(session, judgement.remarks)
  const { checkpoint, ...paths } = runPaths(out)
  const files = { ...paths, ...('passes' in config && { checkpoint }) }
  if (session.json) return printJson(session, { ...metrics, files })
  session.io.out(
    summary(
      judgement.evaluation,
      manifest,
      [
        ['time', `${((performance.now() - trained.began) / 1000).toFixed(1)} s`],
        ['detector', `${paths.model} (${(model.length / 1e6).toFixed(1)} MB)`],
        ['report', paths.report],
      ],
      judgement.ownEvidence,
    ),
  )
}

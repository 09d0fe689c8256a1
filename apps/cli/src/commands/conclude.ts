import type { Manifest } from '@cflow/core'
import type { Dataset } from '@cflow/datasets'
import type { BestEpochs, Protocol } from '@cflow/metrics'
import { chooseExamples } from '@cflow/report'
import { renderReport } from '@cflow/report/node'
import type { Runtime } from '@cflow/runtimes'
import type { PassRecord, TrainConfig } from '@cflow/methods'
import { judge, loadExamples, suspicionText, type EvaluateAt, type Suspicion } from '@cflow/trainer'
import { metricsDocument, runPaths, writeRun } from '@cflow/trainer/node'
import { tellRemarks } from '../dataset.js'
import { note, printJson, type Session } from '../io.js'
import type { ProgressReporter } from '../progress/reporter.js'
import { summary } from '../summary.js'

/** Good images that stand in for a test set where there is none. */
const maxHeldOut = 60

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
  /** Indices of the images that were kept out of the training. */
  readonly heldOut: readonly number[]
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
): Promise<void> {
  const { model, manifest, config, history, dataset, runtime, out, protocol, best, seconds } =
    trained
  const { category, test, reading } = dataset
  const { dropped = [] } = trained
  for (const s of dropped) note(session, `left out: ${s.id}, ${suspicionText(s)}`)
  // without a test set the report shows the good images that were held out
  const samples =
    test.length > 0 ? test : trained.heldOut.slice(0, maxHeldOut).map((i) => dataset.train[i]!)
  const subject = { model, samples, runtime }
  const { onProgress } = progress
  const { evaluateAt } = trained
  const judged = await judge({ ...subject, protocol, evaluateAt, best, seconds, onProgress })
  const { evaluation: tested, ...untested } = judged
  const evaluation = test.length > 0 ? tested : undefined
  const judgement = evaluation ? judged : untested
  const examples = await loadExamples({ ...subject, choices: chooseExamples(judged.scores) })
  const modelBytes = model.length
  const report = await renderReport({
    ...judgement,
    category,
    manifest,
    reading,
    dropped: dropped.map((s) => ({ id: s.id, why: suspicionText(s) })),
    examples,
    history,
    modelBytes,
  })
  const total = (performance.now() - trained.began) / 1000
  const metrics = metricsDocument({
    manifest,
    judgement,
    dataset,
    runtime: runtime.name,
    modelBytes,
    seconds: { ...seconds, total },
    config,
    history,
    dropped,
  })
  session.io.signal.throwIfAborted()
  await writeRun(out, { model, metrics, report })
  progress.end()
  tellRemarks(session, judged.remarks)
  const { checkpoint, ...paths } = runPaths(out)
  const files = { ...paths, ...('passes' in config && { checkpoint }) }
  if (session.json) return printJson(session, { ...metrics, files })
  session.io.out(
    summary(evaluation, manifest, [
      ['time', `${((performance.now() - trained.began) / 1000).toFixed(1)} s`],
      ['detector', `${paths.model} (${(modelBytes / 1e6).toFixed(1)} MB)`],
      ['report', paths.report],
    ]),
  )
}

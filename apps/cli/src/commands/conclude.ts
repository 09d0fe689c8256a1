import type { Manifest } from '@cflow/core'
import type { Dataset } from '@cflow/datasets'
import type { Runtime } from '@cflow/runtimes'
import type { PassRecord, TrainConfig } from '@cflow/methods'
import type { BestEpochs, OnProgress, Protocol } from '@cflow/trainer'
import {
  judge,
  metricsDocument,
  renderReport,
  reportInput,
  runPaths,
  writeRun,
} from '@cflow/trainer/node'
import { printJson } from '../io.js'
import type { Session } from '../io.js'
import type { ProgressReporter } from '../progress/reporter.js'
import { summary } from '../summary.js'

/** Good images that stand in for a test set where there is none. */
const mostHeldOut = 60

/** A training that is over. */
export interface Trained {
  /** The detector file. */
  readonly model: Uint8Array
  readonly manifest: Manifest
  readonly config: TrainConfig
  readonly history: readonly PassRecord[]
  /** Seconds of each stage. */
  readonly seconds: Readonly<Record<string, number>>
  readonly dataset: Dataset
  /** Indices of the images that were kept out of the training. */
  readonly heldOut: readonly number[]
  readonly runtime: Runtime
  readonly protocol: Protocol
  readonly best?: BestEpochs
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
  const { model, manifest, config, history, dataset, runtime, out, protocol, best } = trained
  const { onProgress }: { onProgress: OnProgress } = progress
  // without a test set the report shows the good images that were held out
  const samples =
    dataset.test.length > 0
      ? dataset.test
      : trained.heldOut.slice(0, mostHeldOut).map((i) => dataset.train[i]!)
  const judged = await judge({
    model,
    manifest,
    samples,
    runtime,
    protocol,
    ...(best && { best }),
    onProgress,
  })
  const tested = dataset.test.length > 0 ? judged.evaluation : undefined
  const evaluation = tested && {
    ...tested,
    timing: { ...tested.timing, seconds: { ...trained.seconds, ...tested.timing.seconds } },
  }
  const { scores, pixels, measured, pixelThreshold } = judged
  const judgement = {
    scores,
    ...(pixels && { pixels }),
    ...(measured && { measured }),
    ...(pixelThreshold !== undefined && { pixelThreshold }),
    ...(evaluation && { evaluation }),
  }
  const { category } = dataset
  const report = await renderReport(
    await reportInput({ category, model, manifest, samples, judgement, history, runtime }),
  )
  const total = (performance.now() - trained.began) / 1000
  const metrics = metricsDocument({
    manifest,
    judgement,
    dataset,
    runtime: runtime.name,
    modelBytes: model.length,
    seconds: { ...trained.seconds, total },
    config,
    history,
  })
  session.io.signal.throwIfAborted()
  await writeRun(out, { model, metrics, report })
  progress.end()
  const paths = runPaths(out)
  if (session.json) printJson(session, { ...metrics, files: filesOf(trained) })
  else
    session.io.out(
      summary(evaluation, manifest, [
        ['time', `${((performance.now() - trained.began) / 1000).toFixed(1)} s`],
        ['detector', `${paths.model} (${(model.length / 1e6).toFixed(1)} MB)`],
        ['report', paths.report],
      ]),
    )
}

/** The files that the run left, by what they are. */
function filesOf({ config, out }: Trained): Readonly<Record<string, string>> {
  const { checkpoint, ...rest } = runPaths(out)
  return { ...rest, ...('passes' in config && { checkpoint }) }
}

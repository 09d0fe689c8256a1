import { nodeRuntime } from '@cflow/runtimes/node'
import { fit, splitHeldOut, trainConfigSchema } from '@cflow/trainer'
import type { CheckpointStore } from '@cflow/trainer'
import {
  fileCheckpoints,
  judge,
  metricsDocument,
  prepareRun,
  renderReport,
  reportInput,
  runPaths,
  writeRun,
} from '@cflow/trainer/node'
import { join } from 'node:path'
import * as z from 'zod'
import { openDataset } from '../dataset.js'
import { prepareEncoder } from '../encoders/open.js'
import { Interrupted } from '../failure.js'
import { note, printJson } from '../io.js'
import type { Session } from '../io.js'
import { progressReporter } from '../progress/reporter.js'
import { deviceOptions } from '../settings/device.js'
import { resolveSettings } from '../settings/resolve.js'
import { trainShape } from '../settings/schema.js'
import { summary } from '../summary.js'

const schema = z.object({
  ...trainConfigSchema.omit({ onnx: true }).partial().shape,
  ...trainShape,
})
const configKeys = Object.keys(trainConfigSchema.shape)

/** Good images that stand in for a test set where there is none. */
const mostHeldOut = 60

/** `cflow train`: from images to model.onnx, metrics.json, report.html and checkpoint/. */
export async function train(session: Session, flags: object): Promise<void> {
  const began = performance.now()
  const settings = await resolveSettings(session, flags, schema)
  const { config, open } = await prepareEncoder(
    Object.fromEntries(Object.entries(settings).filter(([key]) => configKeys.includes(key))),
    settings,
  )
  const dataset = await openDataset(settings)
  const { stopAfter, resume = false } = settings
  const runtime = await nodeRuntime(deviceOptions(settings))
  const encoder = await open(runtime)
  const out = settings.out ?? join('runs', dataset.category)
  const paths = runPaths(out)
  const undo = await prepareRun(out, { checkpoint: true })
  const checkpoints = watched(fileCheckpoints(paths.checkpoint))
  if (resume && (await checkpoints.read()) === undefined)
    note(session, `no checkpoint in ${paths.checkpoint}: training from the start`)

  const { training, heldOut } = splitHeldOut(dataset.train.length, config)
  const positions = encoder.scales.reduce((n, s) => n + s.height * s.width, 0)
  const progress = progressReporter(session, training.length * positions)
  const { onProgress } = progress
  try {
    const fitted = await fit({
      samples: dataset.train,
      category: dataset.category,
      config,
      encoder,
      runtime,
      checkpoints,
      resume,
      ...(stopAfter !== undefined && { stopAfter }),
      onProgress,
      signal: session.io.signal,
    })
    const { model, manifest, history } = fitted
    // without a test set the report shows the good images that were held out
    const samples =
      dataset.test.length > 0
        ? dataset.test
        : heldOut.slice(0, mostHeldOut).map((i) => dataset.train[i]!)
    const judged = await judge({ model, manifest, samples, runtime, onProgress })
    const tested = dataset.test.length > 0 ? judged.evaluation : undefined
    const evaluation = tested && {
      ...tested,
      timing: { ...tested.timing, seconds: { ...fitted.seconds, ...tested.timing.seconds } },
    }
    const judgement = {
      scores: judged.scores,
      ...(judged.pixels && { pixels: judged.pixels }),
      ...(evaluation && { evaluation }),
    }
    const report = await renderReport(
      await reportInput({
        title: `${dataset.category}: ${config.encoder}, ${config.inputSize} pixels`,
        model,
        manifest,
        samples,
        judgement,
        history,
        runtime,
      }),
    )
    const metrics = metricsDocument({
      manifest,
      judgement,
      dataset,
      runtime: runtime.name,
      modelBytes: model.length,
      seconds: { ...fitted.seconds, total: (performance.now() - began) / 1000 },
      config,
      history,
    })
    session.io.signal.throwIfAborted()
    await writeRun(out, { model, metrics, report })
    progress.end()
    if (session.json) printJson(session, { ...metrics, files: paths })
    else
      session.io.out(
        summary(evaluation, manifest, [
          ['time', `${((performance.now() - began) / 1000).toFixed(1)} s`],
          ['detector', `${paths.model} (${(model.length / 1e6).toFixed(1)} MB)`],
          ['report', paths.report],
        ]),
      )
  } catch (error) {
    progress.end()
    await undo()
    if (!session.io.signal.aborted) throw error
    throw new Interrupted(
      checkpoints.written() || resume
        ? `interrupted; the checkpoint is in ${paths.checkpoint}: add --resume to go on`
        : 'interrupted before the first checkpoint: there is nothing to resume',
    )
  }
}

/** A store that remembers whether this training wrote to it. */
function watched(store: CheckpointStore): CheckpointStore & { written(): boolean } {
  let written = false
  return {
    read: () => store.read(),
    async write(bytes) {
      await store.write(bytes)
      written = true
    },
    written: () => written,
  }
}

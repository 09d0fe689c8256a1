import { nodeRuntime } from '@cflow/runtimes/node'
import { bestEpochs, fit, splitHeldOut, trainConfigSchema } from '@cflow/trainer'
import type { CheckpointStore, TrainOptions } from '@cflow/trainer'
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
import { epochEvaluations } from '../epochs.js'
import { Interrupted } from '../failure.js'
import { note, printJson } from '../io.js'
import type { Session } from '../io.js'
import { progressReporter } from '../progress/reporter.js'
import { everyScene } from '../scenes.js'
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
  if (settings.scenes !== undefined) {
    const { out = join('runs', 'stc') } = settings
    return everyScene(session, { ...settings, out }, flags, train)
  }
  const { config, open } = await prepareEncoder(optionsOf(settings), settings)
  const opening = progressReporter(session)
  const { signal } = session.io
  const purpose = { trainingSize: config.inputSize, signal, onProgress: opening.onProgress }
  const dataset = await openDataset(settings, undefined, purpose).finally(opening.end)
  const { stopAfter, resume = false, protocol = 'strict' } = settings
  const runtime = await nodeRuntime(deviceOptions(settings))
  const encoder = await open(runtime)
  const out = settings.out ?? join('runs', dataset.category)
  const paths = runPaths(out)
  const undo = await prepareRun(out, { checkpoint: true })
  const files = fileCheckpoints(paths.checkpoint)
  const stored = resume ? await files.read() : undefined
  const checkpoints = watched(files, stored)
  if (resume && stored === undefined)
    note(session, `no checkpoint in ${paths.checkpoint}: training from the start`)

  const { training, heldOut } = splitHeldOut(
    dataset.train.length,
    config,
    dataset.train.map((s) => s.sequence),
  )
  const positions = encoder.scales.reduce((n, s) => n + s.height * s.width, 0)
  const epochs = epochEvaluations(dataset.test, encoder, runtime, config)
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
      ...(protocol === 'paper' && dataset.test.length > 0 && { epochs: epochs.hook }),
      signal: session.io.signal,
    })
    const { model, manifest, history } = fitted
    // without a test set the report shows the good images that were held out
    const samples =
      dataset.test.length > 0
        ? dataset.test
        : heldOut.slice(0, mostHeldOut).map((i) => dataset.train[i]!)
    const best = bestEpochs(epochs.seen)
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
      timing: { ...tested.timing, seconds: { ...fitted.seconds, ...tested.timing.seconds } },
    }
    const { scores, pixels, measured, pixelThreshold } = judged
    const judgement = {
      scores,
      ...(pixels && { pixels }),
      ...(measured && { measured }),
      ...(pixelThreshold !== undefined && { pixelThreshold }),
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

/** Settings of the trainer: what is not said comes from the recipe, and for recipe `paper` from the dataset. */
function optionsOf(settings: z.infer<typeof schema>): TrainOptions {
  const given = Object.entries(settings).filter(([key]) => configKeys.includes(key))
  const asAuthors = settings.dataset === 'stc' && settings.recipe === 'paper'
  return { ...(asAuthors && { normalisation: 'stc' }), ...Object.fromEntries(given) }
}

/** A store that was read already, and that remembers whether this training wrote to it. */
function watched(
  store: CheckpointStore,
  stored: Uint8Array | undefined,
): CheckpointStore & { written(): boolean } {
  let written = false
  return {
    read: () => Promise.resolve(stored),
    async write(bytes) {
      await store.write(bytes)
      written = true
    },
    written: () => written,
  }
}

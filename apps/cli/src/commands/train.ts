import { nodeRuntime } from '@cflow/runtimes/node'
import { bestEpochs, epochEvaluations, fit, splitHeldOut } from '@cflow/trainer'
import type { CheckpointStore, EpochEvaluation, TrainOptions } from '@cflow/trainer'
import { fileCheckpoints, prepareRun, runPaths } from '@cflow/trainer/node'
import { join } from 'node:path'
import { openDataset } from '../dataset.js'
import { prepareEncoder } from '../encoders/open.js'
import { Interrupted } from '../failure.js'
import { note } from '../io.js'
import type { Session } from '../io.js'
import { progressReporter } from '../progress/reporter.js'
import { everyScene } from '../scenes.js'
import { deviceOptions } from '../settings/device.js'
import { baselineOf, settingsOf } from '../settings/method.js'
import { resolveSettings } from '../settings/resolve.js'
import { trainSchema } from '../settings/train-schema.js'
import type { TrainSettings } from '../settings/train-schema.js'
import { conclude } from './conclude.js'
import { trainBaseline } from './train-baseline.js'

/** `cflow train`: from images to model.onnx, metrics.json, report.html and checkpoint/. */
export async function train(session: Session, flags: object): Promise<void> {
  const began = performance.now()
  const settings = await resolveSettings(session, flags, trainSchema)
  if (settings.scenes !== undefined) {
    const { out = join('runs', 'stc') } = settings
    return everyScene(session, { ...settings, out }, flags, train)
  }
  const baseline = baselineOf(settings)
  if (baseline) return trainBaseline(session, settings, baseline, began)
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
  const seen: EpochEvaluation[] = []
  const epochs = epochEvaluations({
    samples: dataset.test,
    encoder,
    runtime,
    passes: config.passes,
    onEvaluation: (epoch) => seen.push(epoch),
  })
  const progress = progressReporter(session, training.length * positions)
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
      onProgress: progress.onProgress,
      ...(protocol === 'paper' && dataset.test.length > 0 && { epochs }),
      signal: session.io.signal,
    })
    const { model, manifest, history, seconds } = fitted
    const best = bestEpochs(seen)
    await conclude(
      session,
      {
        model,
        bytes: model.length,
        manifest,
        config,
        history,
        seconds,
        dataset,
        heldOut,
        runtime,
        protocol,
        ...(best && { best }),
        out,
        began,
      },
      progress,
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
function optionsOf(settings: TrainSettings): TrainOptions {
  const asAuthors = settings.dataset === 'stc' && settings.recipe === 'paper'
  return { ...(asAuthors && { normalisation: 'stc' }), ...settingsOf('cflow', settings) }
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

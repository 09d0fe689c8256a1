import { encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { nodeRuntime } from '@cflow/runtimes/node'
import { encoderModel, fit, resolveConfig, splitHeldOut } from '@cflow/trainer'
import type { CheckpointStore } from '@cflow/trainer'
import { fileCheckpoints, prepareRun, runPaths } from '@cflow/trainer/node'
import { join } from 'node:path'
import { openDataset } from '../dataset.js'
import { Interrupted } from '../failure.js'
import { note } from '../io.js'
import type { Session } from '../io.js'
import { progressReporter } from '../progress/reporter.js'
import { deviceOptions } from '../settings/device.js'
import { resolveSettings } from '../settings/resolve.js'
import { trainSchema } from '../settings/train-schema.js'
import { baselineOf, settingsOf } from '../settings/method.js'
import { trainBaseline } from './train-baseline.js'
import { conclude } from './conclude.js'

/** `cflow train`: from images to model.onnx, metrics.json, report.html and checkpoint/. */
export async function train(session: Session, flags: object): Promise<void> {
  const began = performance.now()
  const settings = await resolveSettings(session, flags, trainSchema)
  const baseline = baselineOf(settings)
  if (baseline) return trainBaseline(session, settings, baseline, began)
  const config = resolveConfig(settingsOf('cflow', settings))
  const dataset = await openDataset(settings)
  const { weights, stopAfter, resume = false } = settings
  const spec = encoderSpec(config.encoder)
  const encoder = encoderModel(
    spec,
    await loadEncoderWeights(config.encoder, weights === undefined ? {} : { weights }),
    config.poolLayers,
    config.inputSize,
  )
  const runtime = await nodeRuntime(deviceOptions(settings))
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
    const { model, manifest, history, seconds } = fitted
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

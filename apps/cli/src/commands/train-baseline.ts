import { encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { nodeRuntime } from '@cflow/runtimes/node'
import { encoderModel, fitBaseline, splitHeldOut } from '@cflow/trainer'
import type { BaselineConfig } from '@cflow/trainer'
import { prepareRun } from '@cflow/trainer/node'
import { join } from 'node:path'
import { openDataset } from '../dataset.js'
import { Interrupted } from '../failure.js'
import type { Session } from '../io.js'
import { progressReporter } from '../progress/reporter.js'
import { deviceOptions } from '../settings/device.js'
import type { TrainSettings } from '../settings/train-schema.js'
import { conclude } from './conclude.js'

/** `cflow train --method padim|spade|dfr|differnet`: as `train`, without checkpoints; SPADE leaves no model.onnx. */
export async function trainBaseline(
  session: Session,
  settings: TrainSettings,
  config: BaselineConfig,
  began: number,
): Promise<void> {
  const opening = progressReporter(session)
  const { signal } = session.io
  const purpose = { trainingSize: config.inputSize, signal, onProgress: opening.onProgress }
  const dataset = await openDataset(settings, undefined, purpose).finally(opening.end)
  const { weights, protocol = 'strict' } = settings
  const encoder = encoderModel(
    encoderSpec(config.encoder),
    await loadEncoderWeights(config.encoder, weights === undefined ? {} : { weights }),
    config.poolLayers,
    config.inputSize,
  )
  const runtime = await nodeRuntime(deviceOptions(settings))
  const out = settings.out ?? join('runs', `${dataset.category}-${config.method}`)
  const undo = await prepareRun(out, { checkpoint: false })
  const { heldOut } = splitHeldOut(
    dataset.train.length,
    config,
    dataset.train.map((s) => s.sequence),
  )
  const progress = progressReporter(session, dataset.train.length - heldOut.length)
  try {
    const fitted = await fitBaseline({
      samples: dataset.train,
      category: dataset.category,
      config,
      encoder,
      runtime,
      onProgress: progress.onProgress,
      signal,
    })
    const { bytes, manifest, history, seconds } = fitted
    const model = fitted.model ?? fitted.scorer
    await conclude(
      session,
      {
        model,
        bytes,
        manifest,
        config,
        history,
        seconds,
        dataset,
        heldOut,
        runtime,
        protocol,
        out,
        began,
      },
      progress,
    )
    await fitted.scorer?.release()
  } catch (error) {
    progress.end()
    await undo()
    if (!session.io.signal.aborted) throw error
    throw new Interrupted('interrupted: there is nothing to resume')
  }
}

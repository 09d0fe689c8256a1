import { encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { openRuntime } from '@cflow/runtimes'
import { encoderModel, fitBaseline, splitHeldOut } from '@cflow/trainer'
import type { BaselineConfig } from '@cflow/trainer'
import { join } from 'node:path'
import { openTrainingSet } from '../dataset.js'
import type { Session } from '../io.js'
import { inRunFolder } from '../run-folder.js'
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
  const dataset = await openTrainingSet(session, settings, config.inputSize)
  const { weights, protocol = 'strict' } = settings
  const encoder = encoderModel(
    encoderSpec(config.encoder),
    await loadEncoderWeights(config.encoder, weights === undefined ? {} : { weights }),
    config.poolLayers,
    config.inputSize,
  )
  const runtime = await openRuntime(deviceOptions(settings))
  const out = settings.out ?? join('runs', `${dataset.category}-${config.method}`)
  const { training, heldOut } = splitHeldOut(dataset.train, config)
  const options = {
    vectorsPerPass: training.length,
    interrupted: () => 'interrupted: there is nothing to resume',
  }
  await inRunFolder(session, out, options, async (progress) => {
    const { model, ...fitted } = await fitBaseline({
      samples: dataset.train,
      category: dataset.category,
      config,
      encoder,
      runtime,
      onProgress: progress.onProgress,
      signal: session.io.signal,
    })
    const run = { config, dataset, heldOut, runtime, protocol, out, began }
    await conclude(session, { ...fitted, model: model as Uint8Array, ...run }, progress)
  })
}

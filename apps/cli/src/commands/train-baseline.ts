import { encoderSpec } from '@cflow/encoders'
import { encoderModel, fitBaseline, splitHeldOut } from '@cflow/trainer'
import type { BaselineConfig } from '@cflow/trainer'
import { join } from 'node:path'
import { openTrainingSet } from '../dataset.js'
import { weightsOf } from '../encoder.js'
import type { Session } from '../io.js'
import { inRunFolder } from '../run-folder.js'
import { runtimeOf } from '../settings/machine.js'
import type { TrainSettings } from '../settings/methods.js'
import { conclude } from './conclude.js'

/** `cflow train --method padim|spade|dfr|differnet`: as `train`, without checkpoints; SPADE leaves no model.onnx. */
export async function trainBaseline(
  session: Session,
  settings: TrainSettings,
  config: BaselineConfig,
  began: number,
): Promise<void> {
  const dataset = await openTrainingSet(session, settings, config.inputSize)
  const { weights, protocol } = settings
  const encoder = encoderModel(
    encoderSpec(config.encoder),
    await weightsOf(config.encoder, weights),
    config.poolLayers,
    config.inputSize,
  )
  const runtime = await runtimeOf(settings)
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

import { syntheticDataset } from '@cflow/datasets'
import { loadDetector } from '@cflow/detector'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { resolveConfig } from '@cflow/methods'
import { openRuntime } from '@cflow/runtimes'
import { evaluate, fit } from '@cflow/trainer'

const { train, test } = syntheticDataset({ kind: 'cable', size: 64, train: 10, test: 6 })
const config = resolveConfig({ inputSize: 64, passes: 1 }) // method, recipe and the rest have defaults
const weights = await loadEncoderWeights(config.encoder)
const { poolLayers, inputSize } = config
const encoder = encoderModel(encoderSpec(config.encoder), weights, poolLayers, inputSize)
const runtime = await openRuntime()

const { model, manifest } = await fit({
  samples: train,
  category: 'cable',
  config,
  encoder,
  runtime,
})
console.log(manifest.training.images, manifest.calibration.source) // 7 held-out

const { evaluation } = await evaluate({ model, samples: test, runtime })
console.log('AUROC of images', evaluation.image.auroc)

const detector = await loadDetector(model) // model is all that is to be kept: an ONNX file
console.log((await detector.detect(await test[0]!.load())).anomalous)

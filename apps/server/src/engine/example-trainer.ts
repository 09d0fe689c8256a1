/** A process that makes the built-in example: a detector of images that the software renders itself. Its argument is a file. */
import { syntheticDataset } from '@cflow/datasets'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { resolveConfig } from '@cflow/methods'
import { openRuntime } from '@cflow/runtimes'
import { fit } from '@cflow/trainer'
import { writeFile } from 'node:fs/promises'
import { giveWay } from './priority.js'

/** The kind of images, and how many: enough for a false-positive rate of 5 %. */
const category = 'cable'
const images = 60

process.on('message', (message: { readonly path: string }) => {
  void train(message.path).then(
    () => process.exit(0),
    (error: unknown) => {
      console.error(error)
      process.exit(1)
    },
  )
})
process.on('disconnect', () => process.exit())
giveWay(12)

async function train(path: string): Promise<void> {
  const config = resolveConfig({ heldOut: 0.35 })
  const { train: samples } = syntheticDataset({ kind: category, size: 256, train: images, test: 0, seed: 0 }) // prettier-ignore
  const spec = encoderSpec(config.encoder)
  const weights = await loadEncoderWeights(spec.name)
  const { model } = await fit({
    ...{ samples, category, config },
    encoder: encoderModel(spec, weights, config.poolLayers, config.inputSize),
    runtime: await openRuntime(),
  })
  await writeFile(path, model)
}

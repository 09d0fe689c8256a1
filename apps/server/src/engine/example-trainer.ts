/**
 * A process that makes the built-in example: a detector of images that the software renders itself. It is told a file;
 * images to try it with are written beside that.
 */
import { syntheticDataset } from '@cflow/datasets'
import { encodePng } from '@cflow/datasets/node'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { resolveConfig } from '@cflow/methods'
import { openRuntime } from '@cflow/runtimes'
import { fit } from '@cflow/trainer'
import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { giveWay } from './priority.js'

/** The kind of images, and how many: enough for a false-positive rate of 5 %. */
const category = 'cable'
const images = 60
const shown = 8

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
  // to be tried with: some that are good, and one of every kind of defect
  const { test } = syntheticDataset({ kind: category, size: 256, train: 1, test: shown, seed: 1 })
  const counts = new Map<string, number>()
  for (const sample of test) {
    const number = counts.get(sample.defect) ?? 0
    counts.set(sample.defect, number + 1)
    const name = `${sample.defect}-${number}.png`
    await writeFile(join(dirname(path), name), await encodePng(await sample.load()))
  }
}

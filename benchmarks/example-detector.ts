import type { RgbImage } from '../packages/base/src/index.js'
import { syntheticDataset } from '../packages/datasets/src/index.js'
import { encoderModel, encoderSpec } from '../packages/encoders/src/index.js'
import { loadEncoderWeights } from '../packages/encoders/src/node.js'
import { resolveConfig } from '../packages/methods/src/index.js'
import { openRuntime } from '../packages/runtimes/src/index.node.js'
import { fit } from '../packages/trainer/src/index.node.js'

const category = 'cable'

/** A detector trained on the built-in images, as `cflow serve` adds it. */
export async function exampleDetector(threads: number): Promise<Uint8Array> {
  const config = resolveConfig({ heldOut: 0.35 })
  const { train: samples } = syntheticDataset({ kind: category, size: 256, train: 60, test: 0, seed: 0 }) // prettier-ignore
  const spec = encoderSpec(config.encoder)
  const weights = await loadEncoderWeights(spec.name)
  const { model } = await fit({
    ...{ samples, category, config },
    encoder: encoderModel(spec, weights, config.poolLayers, config.inputSize),
    runtime: await openRuntime({ threads }),
  })
  return model
}

/** The same detector under other digests: the last letter of its category is another one. */
export function copiesOf(model: Uint8Array, count: number): Uint8Array[] {
  const text = Buffer.from(model).toString('latin1')
  return Array.from({ length: count }, (_, i) =>
    Buffer.from(text.replace(/("category":"\w*)\w"/, `$1${i}"`), 'latin1'),
  )
}

/** Images that the detector was not trained on: as many good ones as with defects. */
export async function exampleImages(count: number, size = 256): Promise<RgbImage[]> {
  const { test } = syntheticDataset({ kind: category, size, train: 1, test: 3 * count, seed: 1 })
  const good = test.filter((s) => s.label === 'good').slice(0, count / 2)
  const bad = test.filter((s) => s.label !== 'good').slice(0, count / 2)
  return Promise.all([...good, ...bad].map((sample) => sample.load()))
}

/**
 * The built-in example: a detector trained on images that the workspace renders itself, and some images to try it on.
 * Written to `generated/`, which the site's build takes its files from.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { syntheticDataset, syntheticDefects, type Sample } from '@cflow/datasets'
import { encodePng } from '@cflow/datasets/node'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { openRuntime } from '@cflow/runtimes'
import { exportHalf } from '@cflow/quantization'
import { resolveConfig } from '@cflow/methods'
import { fit } from '@cflow/trainer'

const kind = 'cable'
const size = 320
const images = 60

const folder = join(dirname(fileURLToPath(import.meta.url)), '..', 'generated')
const temporary = `${folder}.${process.pid}.tmp`

/** So many held-out images that the usual rates of 5 % and more are guaranteed. */
const config = resolveConfig({ heldOut: 0.35 })
const dataset = syntheticDataset({ kind, size, train: images, test: 18, seed: 0 })
const spec = encoderSpec(config.encoder)
const weights = await loadEncoderWeights(spec.name)
const { model, manifest, seconds } = await fit({
  samples: dataset.train,
  category: kind,
  config,
  encoder: encoderModel(spec, weights, config.poolLayers, config.inputSize),
  runtime: await openRuntime(),
})

/** Two good images, and the first of every type of defect. */
const good = dataset.test.filter((s) => s.label === 'good').slice(0, 2)
const bad = syntheticDefects(kind).map(
  (defect) => dataset.test.find((s) => s.defect === defect) as Sample,
)

await mkdir(join(temporary, 'images'), { recursive: true })
for (const [k, sample] of [...bad.slice(0, 1), ...good, ...bad.slice(1)].entries()) {
  const file = `${k}-${sample.defect}.png`
  await writeFile(join(temporary, 'images', file), await encodePng(await sample.load()))
}
// weights as float16: half the download; computed in float32 all the same
const stored = exportHalf(model).model
await writeFile(join(temporary, 'example.onnx'), stored)
await rm(folder, { recursive: true, force: true })
await rename(temporary, folder)

const mb = (stored.length / 1e6).toFixed(1)
console.log(
  `example: ${manifest.training.images} images, ${mb} MB, threshold ${manifest.calibration.threshold.toFixed(2)}, seconds`,
  seconds,
)

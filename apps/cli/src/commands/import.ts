import { encoderModel, encoderSpec } from '@cflow/encoders'
import { cflow, type TrainConfig } from '@cflow/methods'
import { assembleDetector, authorsCheckpoint } from '@cflow/trainer'
import { runPaths } from '@cflow/trainer/node'
import { readPth } from '@cflow/weights'
import { inFile, readBytes, sha256OfFile } from '@cflow/weights/node'
import { join } from 'node:path'
import * as z from 'zod'
import { defineCommand } from '../command.js'
import { openImages } from '../dataset.js'
import { weightsOf } from '../encoder.js'
import { megabytes, printJson } from '../io.js'
import { inRunFolder } from '../run-folder.js'
import { runtimeOf } from '../settings/machine.js'
import {
  datasetShape,
  encoderShape,
  machineShape,
  outFolder,
  outputShape,
  overwrite,
  text,
  toggle,
} from '../settings/schema.js'
import { grouped } from '../settings/settings.js'
import { summary } from '../summary.js'

const { inputSize, clamp, aggregation, falsePositiveRate } = cflow.settings.shape
const { paper } = cflow.recipes
const schema = z.object({
  ...datasetShape,
  unseen: toggle('the checkpoint was not trained on these images', { group: 'images' }),
  encoder: text('feature extractor', {
    otherwise: 'told from the flows’ shapes',
    group: 'encoder',
  }),
  weights: encoderShape.weights,
  weightsKey: encoderShape.weightsKey,
  ...grouped('detector', {
    inputSize: inputSize.default(paper.inputSize),
    clamp: clamp.default(paper.clamp),
    aggregation: aggregation.default(paper.aggregation),
    falsePositiveRate: falsePositiveRate.default(paper.falsePositiveRate),
  }),
  ...machineShape,
  out: outFolder('folder for model.onnx', 'runs/CATEGORY'),
  overwrite,
  ...outputShape,
})

/** `cflow import`: a checkpoint of the authors' code, calibrated on good images, as a detector file. */
export const command = defineCommand({
  arguments: { checkpoint: 'checkpoint (.pt) with decoders, and perhaps the encoder' },
  settings: schema,
  async run(session, settings, path: string) {
    const { inputSize, aggregation, falsePositiveRate, unseen = false, clamp } = settings
    const dataset = await openImages(session, settings)
    const { category } = dataset
    const { spec, weights, flows } = await understood(path, settings.encoder, clamp)
    const { weights: file, weightsKey } = settings
    const own = file === undefined && weightsKey === undefined ? weights : undefined
    const tensors = own ?? (await weightsOf(spec.name, settings))
    const encoder = encoderModel(spec, tensors, flows.length as 1 | 2 | 3, inputSize)
    const runtime = await runtimeOf(settings)
    const out = settings.out ?? join('runs', category)
    const options = {
      ...{ command: 'import', results: ['model'] as const },
      overwrite: settings.overwrite ?? false,
    }
    await inRunFolder(session, out, options, async ({ onProgress, end }, run) => {
      const digest = await sha256OfFile(path)
      const { model, manifest } = await assembleDetector({
        ...{ encoder, flows, samples: dataset.train, unseen, category, aggregation },
        ...{ falsePositiveRate, digest, runtime, onProgress },
      })
      session.io.signal.throwIfAborted()
      const file = runPaths(out).model
      await run.write({ model })
      end()
      if (session.json)
        return printJson(session, {
          encoder: spec.name,
          inputSize,
          flows: manifest.flows,
          calibration: { ...manifest.calibration, scores: manifest.calibration.scores.length },
          files: { model: file },
        })
      const { couplingLayers, condition, permutation } = flows[0]!.config
      const conditional = condition > 0 ? 'conditional' : 'unconditional'
      const layers = `${flows.length} of ${couplingLayers} coupling layers`
      session.io.out(
        summary(undefined, manifest, [
          ['encoder', `${spec.name}, ${inputSize} pixels`],
          ['flows', `${layers}, ${conditional}, ${permutation} permutations`],
          ['detector', `${file} (${megabytes(model.length)})`],
        ]),
      )
    })
  },
})

/** The checkpoint's content. */
async function understood(
  path: string,
  encoder: string | undefined,
  clamp: TrainConfig<'cflow'>['clamp'],
) {
  const options = { clamp, ...(encoder !== undefined && { encoder: encoderSpec(encoder).name }) }
  const bytes = await readBytes(path)
  return inFile(path, () => authorsCheckpoint(readPth(bytes), options))
}

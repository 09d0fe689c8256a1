import { CflowError } from '@cflow/base'
import { writeFileAtomic } from '@cflow/base/node'
import { aggregationSchema, clampSchema } from '@cflow/core'
import { openDataset } from '@cflow/datasets/node'
import { encoderSpec, readPth } from '@cflow/encoders'
import { inFile, loadEncoderWeights, readBytes, sha256OfFile } from '@cflow/encoders/node'
import { nodeRuntime } from '@cflow/runtimes/node'
import {
  assembleDetector,
  authorsCheckpoint,
  encoderModel,
  recipes,
  trainConfigSchema,
} from '@cflow/trainer'
import { runPaths } from '@cflow/trainer/node'
import { join } from 'node:path'
import * as z from 'zod'
import { printJson } from '../io.js'
import type { Session } from '../io.js'
import { inRunFolder } from '../run-folder.js'
import { deviceOptions } from '../settings/device.js'
import { resolveSettings } from '../settings/resolve.js'
import { commonShape, datasetShape } from '../settings/schema.js'
import { summary } from '../summary.js'

const { inputSize, falsePositiveRate } = trainConfigSchema.shape
const schema = z.object({
  ...datasetShape,
  ...commonShape,
  encoder: z.string().min(1).optional(),
  weights: z.string().min(1).optional(),
  inputSize: inputSize.default(recipes.paper.inputSize),
  clamp: clampSchema.default(recipes.paper.clamp),
  aggregation: aggregationSchema.default(recipes.paper.aggregation),
  falsePositiveRate: falsePositiveRate.default(recipes.paper.falsePositiveRate),
  unseen: z.boolean().default(false),
})

/** `cflow import`: a checkpoint of the authors' code, calibrated on good images, as a detector file. */
export async function importCheckpoint(
  session: Session,
  path: string,
  flags: object,
): Promise<void> {
  const settings = await resolveSettings(session, flags, schema)
  const { clamp, encoder: name, weights: weightFile } = settings
  const dataset = await openDataset(settings)
  const { spec, weights, flows } = await understood(path, name, clamp)
  const model = encoderModel(
    spec,
    weightFile === undefined && weights
      ? weights
      : await loadEncoderWeights(
          spec.name,
          weightFile === undefined ? {} : { weights: weightFile },
        ),
    flows.length as 1 | 2 | 3,
    settings.inputSize,
  )
  const runtime = await nodeRuntime(deviceOptions(settings))
  const out = settings.out ?? join('runs', dataset.category)
  await inRunFolder(session, out, {}, async (progress) => {
    const { model: bytes, manifest } = await assembleDetector({
      encoder: model,
      flows,
      samples: dataset.train,
      unseen: settings.unseen,
      category: dataset.category,
      aggregation: settings.aggregation,
      falsePositiveRate: settings.falsePositiveRate,
      digest: await sha256OfFile(path),
      runtime,
      onProgress: progress.onProgress,
    })
    session.io.signal.throwIfAborted()
    const file = runPaths(out).model
    await writeFileAtomic(file, bytes)
    progress.end()
    const { couplingLayers, condition, permutation } = flows[0]!.config
    if (session.json)
      return printJson(session, {
        encoder: spec.name,
        inputSize: settings.inputSize,
        flows: manifest.flows,
        calibration: { ...manifest.calibration, scores: manifest.calibration.scores.length },
        files: { model: file },
      })
    session.io.out(
      summary(undefined, manifest, [
        ['encoder', `${spec.name}, ${settings.inputSize} pixels`],
        [
          'flows',
          `${flows.length} of ${couplingLayers} coupling layers, ${condition > 0 ? 'conditional' : 'unconditional'}, ${permutation} permutations`,
        ],
        ['detector', `${file} (${(bytes.length / 1e6).toFixed(1)} MB)`],
      ]),
    )
  })
}

async function understood(
  path: string,
  encoder: string | undefined,
  clamp: z.infer<typeof clampSchema>,
) {
  const options = { clamp, ...(encoder !== undefined && { encoder: encoderSpec(encoder).name }) }
  try {
    const bytes = await readBytes(path)
    return inFile(path, () => authorsCheckpoint(readPth(bytes), options))
  } catch (error) {
    if (!(error instanceof CflowError) || error.subject !== 'encoder') throw error
    throw new CflowError(error.code, error.message, {
      subject: '--encoder',
      cause: error,
      ...(error.hint !== undefined && { hint: error.hint }),
    })
  }
}

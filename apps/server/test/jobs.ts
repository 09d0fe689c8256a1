import { syntheticDataset } from '@cflow/datasets'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { resolveConfig } from '@cflow/methods'
import { openRuntime } from '@cflow/runtimes'
import { fit } from '@cflow/trainer'
import { createHash, randomUUID } from 'node:crypto'
import { jobInput } from '../src/jobs/kinds.js'
import type { JobRecord } from '../src/state/state.js'

/** A training of a few seconds on built-in images. */
export const smallTraining = (seed = 0, passes = 4) => ({
  kind: 'train' as const,
  example: { kind: 'mesh' as const, train: 12, test: 6, size: 64 },
  settings: {
    ...{ method: 'cflow' as const, recipe: 'paper', inputSize: 64, passes, seed },
    ...{ folds: 0, couplingLayers: 2, rotation: 0 },
  },
})

/** The same in this process, in one go: the SHA-256 of the detector's file. */
export async function inOneGo({ example, settings }: ReturnType<typeof smallTraining>) {
  const config = resolveConfig(settings)
  const { category, train } = syntheticDataset({ seed: 0, ...example })
  const spec = encoderSpec(config.encoder)
  const weights = await loadEncoderWeights(spec.name)
  const { model } = await fit({
    ...{ samples: train, category, config, runtime: await openRuntime({ threads: 1 }) },
    encoder: encoderModel(spec, weights, config.poolLayers, config.inputSize),
  })
  return createHash('sha256').update(model).digest('hex')
}

/** A job as the server makes it of a request. */
export function jobOf(request: object): JobRecord {
  const { kind, ...input } = jobInput.parse(request)
  return {
    ...{ id: randomUUID(), kind, input, status: 'queued', createdAt: Date.now() },
    ...{ cancelRequested: false, crashes: 0 },
  }
}

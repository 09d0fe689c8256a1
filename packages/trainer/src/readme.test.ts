import { expectReadmeExample } from '@cflow/base/testing'
import { expect, it } from 'vitest'
import { syntheticDataset } from '@cflow/datasets'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { resolveConfig } from '@cflow/methods'
import { openRuntime } from '@cflow/runtimes'
import { evaluate, fit } from '@cflow/trainer'

const { category, train, test } = syntheticDataset({ kind: 'mesh', train: 24, test: 12 })
const config = resolveConfig({ inputSize: 64, passes: 2 }) // the rest from the recipe
const weights = await loadEncoderWeights(config.encoder)
const spec = encoderSpec(config.encoder)
const encoder = encoderModel(spec, weights, config.poolLayers, config.inputSize)
const runtime = await openRuntime()
const { model } = await fit({ samples: train, category, config, encoder, runtime })
const { evaluation } = await evaluate({ model, samples: test, runtime })

it('runs the example of the README', { timeout: 60_000 }, () => {
  expect(evaluation.image?.auroc).toBeGreaterThan(0.5)
  expectReadmeExample(import.meta.url)
})

import { Random, floats, sizeOf, tensor, type Tensor } from '@cflow/base'
import { constant, conv, input, readOnnx, relu, writeOnnx } from '@cflow/graph'
import { expect, it } from 'vitest'
import { runBytes } from '@cflow/runtimes/testing'
import { initialiseFlow } from '../flow/flow.js'
import { writeDetector, type Encoder } from './detector.js'
import { flowHead } from './flow-head.js'
import type { Manifest } from './manifest.js'
import { detectorStages } from './stages.js'

it('a detector’s stages, one after the other, give what the detector gives', async () => {
  const random = Random.seeded(3)
  const shape = [4, 3, 4, 4]
  const numbers = Array.from({ length: sizeOf(shape) }, () => 0.3 * random.normal())
  const weight = constant(floats('float32', shape, numbers))
  const deeper = constant(floats('float32', [4, 4, 2, 2], numbers.slice(0, 64)))
  const encoder: Encoder = {
    mean: [0.5, 0.5, 0.5],
    std: [0.5, 0.5, 0.5],
    taps(x) {
      const fine = relu(conv(x, weight, { strides: [4, 4] }))
      return [fine, relu(conv(fine, deeper, { strides: [2, 2] }))]
    },
  }
  const config = {
    depth: 4,
    condition: 8,
    couplingLayers: 2,
    permutation: 'alternate',
    clamp: 'paper',
  } as const
  const flows = [0, 1].map(() => ({ config, parameters: initialiseFlow(config, random, 'random') }))
  const statistics = { depth: 4, mean: -1, deviation: 0.5, max: 0 }
  const manifest = {
    inputSize: 16,
    method: 'cflow',
    encoder: {},
    scales: [statistics, statistics],
    software: { name: 'test', version: '0' },
  } as unknown as Manifest
  const file = writeDetector(encoder, flowHead(flows, 'standardised'), manifest)

  const data = Uint8Array.from({ length: 20 * 24 * 3 }, () => random.integer(256))
  let known: Record<string, Tensor> = { image: tensor('uint8', [1, 20, 24, 3], data) }
  const whole = await runBytes(file, known)
  const stages = detectorStages(file)
  expect(stages.map((s) => s.name)).toEqual(['preprocessing', 'encoder', 'flows', 'score'])
  for (const { model } of stages) {
    const { outputs } = readOnnx(model)
    for (const [name, got] of Object.entries(await runBytes(model, known))) {
      expect(outputs[name]!.dtype).toBe('float32')
      known = { ...known, [name]: floats('float32', got.shape, got.data) }
    }
  }
  for (const [name, { shape: dims, data: expected }] of Object.entries(whole)) {
    expect(known[name]!.shape).toEqual(dims)
    const worst = expected.reduce(
      (most, v, i) => Math.max(most, Math.abs(v - Number(known[name]!.data[i]))),
      0,
    )
    expect(worst).toBeLessThan(1e-4)
  }
})

it('a graph that is no detector, or has no labels, has no stages', () => {
  expect(detectorStages(writeOnnx({ y: relu(input('x', 'float32', [2])) }))).toEqual([])
})

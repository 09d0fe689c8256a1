import { Random, floats, sizeOf, tensor } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import { constant, conv, input, readOnnx, relu, writeOnnx } from '@cflow/graph'
import { expect, it } from 'vitest'
import { runBytes } from '@cflow/runtimes/testing'
import { detectorOutputs, encode, imageInput, likelihoodMap } from '../index.js'
import { initialiseFlow } from '../flow/flow.js'
import { detectorStages } from './stages.js'

it('a detector’s stages, one after the other, give what the detector gives', async () => {
  const random = Random.seeded(3)
  const shape = [4, 3, 4, 4]
  const numbers = Array.from({ length: sizeOf(shape) }, () => 0.3 * random.normal())
  const weight = constant(floats('float32', shape, numbers))
  const maps = encode(
    imageInput(),
    {
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
      taps: (x) => [relu(conv(x, weight, { strides: [4, 4] }))],
    },
    16,
  )
  const config = {
    depth: 4,
    condition: 8,
    couplingLayers: 2,
    permutation: 'alternate',
    clamp: 'paper',
  } as const
  const flow = { config, parameters: initialiseFlow(config, random, 'random') }
  const likelihood = likelihoodMap(maps[0]!, flow, 'flow0')
  const statistics = [{ depth: 4, mean: -1, deviation: 0.5, max: 0 }]
  const file = writeOnnx(detectorOutputs([likelihood], 'standardised', statistics, 16))

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

it('a graph that is no detector is one stage', () => {
  const stages = detectorStages(writeOnnx({ y: relu(input('x', 'float32', [2])) }))
  expect(stages.map((s) => s.name)).toEqual(['preprocessing'])
})

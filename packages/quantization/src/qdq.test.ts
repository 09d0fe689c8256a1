import { Random, floats, sizeOf } from '@cflow/base'
import { constant, conv, input, maxPool, readOnnx, relu, writeOnnx } from '@cflow/graph'
import { openRuntime } from '@cflow/runtimes'
import { expect, it } from 'vitest'
import { operatorsIn, optimised } from '../test/optimised.js'
import { quantiser } from './qdq.js'
import { mapped } from './rewrite.js'
import { structureOf } from './structure.js'

const random = Random.seeded(3)
const normal = (shape: number[]) =>
  floats(
    'float32',
    shape,
    Array.from({ length: sizeOf(shape) }, () => random.normal()),
  )

it('a pool behind a layer in float pools floats, in ONNX Runtime too, and loses no more than rounding', async () => {
  const x = input('x', 'float32', [1, 3, 8, 8])
  const stem = relu(conv(x, constant(normal([4, 3, 3, 3]), 'stem.weight')))
  const y = conv(
    maxPool(stem, [2, 2], [2, 2], [0, 0, 0, 0]),
    constant(normal([8, 4, 1, 1]), 'next.weight'),
  )
  const file = writeOnnx({ y })
  const structure = structureOf(readOnnx(file))
  const ranges = new Map(structure.points.map((p) => [p, { low: -100, high: 100 }] as const))
  const bytes = writeOnnx(
    mapped(structure.outputs, quantiser(structure, { ranges, keep: new Set(['stem']) })),
  )

  const pools = (model: Uint8Array) =>
    operatorsIn(model)
      .filter((n) => n.operator.type === 'MaxPool')
      .map((n) => n.inputs[0]?.dtype)
  expect([pools(bytes), pools(await optimised(bytes))]).toEqual([['float32'], ['float32']])

  const runtime = await openRuntime({ threads: 1 })
  const feed = { x: normal([1, 3, 8, 8]) }
  const outputs: Float32Array[] = []
  for (const model of [file, bytes]) {
    const session = await runtime.createSession(model)
    outputs.push((await session.run(feed))['y']?.data as Float32Array)
    await session.release()
  }
  const [a, b] = outputs as [Float32Array, Float32Array]
  const squares = (values: Float32Array) => values.reduce((s, v) => s + v * v, 0)
  expect(squares(a.map((v, i) => v - b[i]!)) / squares(a)).toBeLessThan(0.003)
})

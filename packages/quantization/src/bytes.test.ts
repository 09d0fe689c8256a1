import { Random, floats } from '@cflow/base'
import { constant, gemm, input, readOnnx, writeOnnx } from '@cflow/graph'
import { openRuntime } from '@cflow/runtimes'
import { expect, it } from 'vitest'
import { storedAsBytes } from './bytes.js'
import { storedAsHalf } from './half.js'

const random = Random.seeded(7)
const [rows, columns] = [40, 30]
const x = input('x', 'float32', [1, columns])
// rows of very different sizes, one of them all zeros
const weights = Float32Array.from({ length: rows * columns }, (_, i) => {
  const row = Math.floor(i / columns)
  return row === 3 ? 0 : random.normal() * 10 ** ((row % 7) - 5)
})
const y = gemm(x, constant(floats('float32', [rows, columns], weights), 'w'), { transB: true })
const data = Float32Array.from({ length: columns }, () => random.normal())

async function computed(model: Uint8Array): Promise<Float32Array> {
  const session = await (await openRuntime()).createSession(model)
  const result = await session.run({ x: floats('float32', [1, columns], data) })
  await session.release()
  return result['y']!.data as Float32Array
}

it('rounds each row to 127 steps, whatever its size', async () => {
  const stored = writeOnnx(storedAsBytes({ y }))
  expect(stored.length).toBeLessThan(0.4 * writeOnnx({ y }).length)
  const [exact, rounded] = [await computed(writeOnnx({ y })), await computed(stored)]
  const steps = Array.from({ length: rows }, (_, r) => {
    const row = weights.subarray(r * columns, (r + 1) * columns)
    return row.reduce((most, v) => Math.max(most, Math.abs(v)), 0) / 127
  })
  const reach = data.reduce((sum, v) => sum + Math.abs(v), 0)
  exact.forEach((v, r) =>
    expect(Math.abs(v - rounded[r]!)).toBeLessThanOrEqual(0.52 * steps[r]! * reach + 1e-9),
  )
  expect(rounded[3]).toBe(0)
})

it('and storing the rest as float16 changes nothing in it', async () => {
  const stored = storedAsBytes({ y })
  const half = writeOnnx(storedAsHalf(stored))
  expect(await computed(half)).toEqual(await computed(writeOnnx(stored)))
  const types = [...readOnnx(half).values.values()].flatMap(({ node }) =>
    node.kind === 'constant' ? [node.tensor.dtype] : [],
  )
  expect(types).toContain('int8')
})

import { Random, floats, tensor } from '@cflow/base'
import {
  constant,
  dequantizeConstant,
  gemm,
  input,
  matMul,
  readOnnx,
  writeOnnx,
} from '@cflow/graph'
import { openRuntime } from '@cflow/runtimes'
import { expect, it } from 'vitest'
import { storedAsHalf } from './half.js'

const n = 33
const random = Random.seeded(4)
const triangle = Float32Array.from({ length: n * n }, (_, i) =>
  i % n <= Math.floor(i / n) ? random.normal() : 0,
)
const x = input('x', 'float32', [2, n])
const feed = {
  x: floats(
    'float32',
    [2, n],
    Array.from({ length: 2 * n }, () => random.normal()),
  ),
}

async function computed(model: Uint8Array): Promise<Float32Array> {
  const session = await (await openRuntime()).createSession(model)
  const { y } = await session.run(feed)
  await session.release()
  return y!.data as Float32Array
}

const constantsOf = (model: Uint8Array) =>
  [...readOnnx(model).values.values()].flatMap(({ node }) =>
    node.kind === 'constant' ? [node.tensor] : [],
  )

it('leaves out the zero quarter of a triangular matrix, and gives the same product', async () => {
  const y = gemm(x, constant(floats('float32', [n, n], triangle), 'w'), { transB: true })
  const half = writeOnnx(storedAsHalf({ y }))
  const stored = constantsOf(half).filter((t) => t.dtype === 'float16')
  expect(stored.map((t) => t.shape)).toEqual([
    [16, 16],
    [17, 33],
  ])
  const [a, b] = [await computed(writeOnnx({ y })), await computed(half)]
  a.forEach((v, i) => expect(Math.abs(v - b[i]!)).toBeLessThan(0.02))
})

it('keeps values that float16 does not hold, small constants, and what it is told to', () => {
  const kept = (data: Float32Array, shape: number[], name: string) => {
    const y = matMul(x, constant(floats('float32', shape, data), name))
    return constantsOf(writeOnnx(storedAsHalf({ y }, new Set(['exact'])))).every(
      (t) => t.dtype !== 'float16',
    )
  }
  const ones = new Float32Array(n * n).fill(1)
  expect(kept(ones, [n, n], 'w')).toBe(false)
  expect(kept(ones, [n, n], 'exact')).toBe(true)
  expect(kept(ones.slice(0, n), [n, 1], 'w')).toBe(true)
  expect(
    kept(
      Float32Array.from(ones, (v, i) => (i === 7 ? 70_000 : v)),
      [n, n],
      'w',
    ),
  ).toBe(true)
})

it('keeps the scales of bytes, which are often too small for float16', () => {
  const weights = tensor('int8', [n, 300], new Int8Array(n * 300).fill(1))
  const scales = new Float32Array(300).fill(1e-9)
  const y = matMul(x, dequantizeConstant(weights, scales, 1, 'w'))
  const stored = constantsOf(writeOnnx(storedAsHalf({ y })))
  expect(stored.filter((t) => t.dtype === 'float16')).toEqual([])
  expect(stored.find((t) => t.dtype === 'float32')?.data[0]).toBe(Math.fround(1e-9))
})

import { Random, floats, sizeOf } from '@cflow/base'
import { describe, expect, it } from 'vitest'
import { run, runBytes } from '../../test/run.js'
import { constant, gradients, input, readOnnx, reduceSum, topK, writeOnnx } from '../index.js'

/** Values and indices along the axis, worked out one by one. */
function expected(
  shape: readonly number[],
  data: Float32Array,
  k: number,
  axis: number,
  largest: boolean,
) {
  // prettier-ignore
  const [size, inner] = [shape[axis]!, sizeOf(shape.slice(axis + 1))]
  const outer = sizeOf(shape.slice(0, axis))
  const [values, indices] = [new Array<number>(outer * k * inner), new Array<number>(outer * k * inner)] // prettier-ignore
  for (let o = 0; o < outer; o++)
    for (let i = 0; i < inner; i++) {
      const at = (j: number) => data[(o * size + j) * inner + i]!
      const order = Array.from({ length: size }, (_, j) => j)
      order.sort((a, b) => (largest ? at(b) - at(a) : at(a) - at(b)) || a - b)
      order.slice(0, k).forEach((j, n) => {
        values[(o * k + n) * inner + i] = at(j)
        indices[(o * k + n) * inner + i] = j
      })
    }
  return { values, indices }
}

describe('topK', () => {
  const shape = [3, 5, 4]
  const random = Random.seeded(5)
  // few different numbers, so that some are equal
  const data = Float32Array.from({ length: sizeOf(shape) }, () => random.integer(6))

  it.each([
    { k: 1, axis: 2, largest: true },
    { k: 3, axis: 1, largest: true },
    { k: 3, axis: -1, largest: false },
    { k: 2, axis: 0, largest: false },
    { k: 5, axis: 1, largest: false },
  ])('gives what sorting gives, sorted (%j)', async ({ k, axis, largest }) => {
    const [values, indices] = topK(input('x', 'float32', ['n', 5, 4]), k, axis, { largest })
    const positive = axis < 0 ? axis + 3 : axis
    expect(values.shape).toEqual(['n', 5, 4].with(positive, k))
    expect([values.dtype, indices.dtype, indices.shape]).toEqual(['float32', 'int64', values.shape])
    const got = await run({ values, indices }, { x: floats('float32', shape, data) })
    const wanted = expected(shape, data, k, positive, largest)
    const size = shape.with(positive, k)
    expect(got).toEqual({
      values: { shape: size, data: wanted.values },
      indices: { shape: size, data: wanted.indices },
    })
  })

  it('gives the largest unless told, and survives a file', async () => {
    const x = constant(floats('float32', [4], [2, 9, -1, 5]))
    const [values, indices] = topK(x, 2, 0)
    const bytes = writeOnnx({ values, indices })
    const again = readOnnx(bytes).outputs
    expect(again['indices']).toMatchObject({ dtype: 'int64', shape: [2] })
    expect(writeOnnx(again)).toEqual(bytes)
    const got = await runBytes(bytes)
    expect([got['values']!.data, got['indices']!.data]).toEqual([[9, 5], [1, 3]]) // prettier-ignore
  })

  it('names what does not fit', () => {
    const x = input('x', 'float32', [2, 3])
    expect(() => topK(x, 4, 1)).toThrow(/axis 1 of \[2, 3\] has no 4 elements/)
    expect(() => topK(x, 0, 1)).toThrow(/no 0 elements/)
    expect(() => topK(x, 1, 2)).toThrow(/out of range/)
    expect(() => gradients(reduceSum(topK(x, 1, 0)[0], [0, 1]), [x])).toThrow(/TopK.*inference/)
  })
})

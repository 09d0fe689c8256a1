import { expectReadmeExample } from '@cflow/base/testing'
import { expect, it } from 'vitest'
import { runBytes } from './run.js'
import { add, constant, gradients, input, matMul, reduceSum, square, writeOnnx } from '@cflow/graph'
import { floats } from '@cflow/base'

const x = input('x', 'float32', ['N', 2])
const weight = input('weight', 'float32', [2, 1])
const bias = constant(floats('float32', [1], [3]), 'bias')
const y = add(matMul(x, weight), bias) // ['N', 1]
const loss = reduceSum(square(y), [0, 1])
const [slope] = gradients(loss, [weight]) // ∂loss/∂weight [2, 1]
const file = writeOnnx({ loss, slope: slope! }) // an ONNX file with inputs x and weight

it('runs the example of the README', async () => {
  const feeds = {
    x: floats('float32', [2, 2], [1, 0, 2, 1]),
    weight: floats('float32', [2, 1], [1, -1]),
  }
  // y = 1 + 3 and 2 − 1 + 3; 2y·x summed
  expect(y.shape).toEqual(['N', 1])
  const got = await runBytes(file, feeds)
  expect([got['loss']!.data, got['slope']!.data]).toEqual([[32], [24, 8]])
  expectReadmeExample(import.meta.url)
})

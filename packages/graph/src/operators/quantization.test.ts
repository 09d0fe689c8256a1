import { floats, tensor } from '@cflow/base'
import { expect, it } from 'vitest'
import { run } from '../../test/run.js'
import {
  constant,
  conv,
  dequantize,
  dequantizeConstant,
  input,
  quantize,
  readOnnx,
  writeOnnx,
} from '../index.js'

const by = { scale: 0.5, zero: 3 }

it('QuantizeLinear rounds ties to even and saturates; DequantizeLinear undoes the rest', async () => {
  const x = input('x', 'float32', [6])
  const q = quantize(x, by)
  expect([q.dtype, dequantize(q, by).dtype]).toEqual(['uint8', 'float32'])
  // x/0.5 + 3: 0.25/0.5 = 0.5 → 0, 0.75/0.5 = 1.5 → 2
  const feed = { x: floats('float32', [6], [0, 0.25, 0.75, -10, 1000, -1]) }
  const got = await run({ q, y: dequantize(q, by) }, feed)
  expect(got['q']!.data).toEqual([3, 3, 5, 0, 255, 1])
  expect(got['y']!.data).toEqual([0, 0, 1, -1.5, 126, -1])
})

it('constants have one scale for each index of an axis', async () => {
  const weights = tensor('int8', [2, 3], Int8Array.of(1, 2, 3, -4, -5, 127))
  const y = dequantizeConstant(weights, Float32Array.of(2, 0.25), 0, 'w')
  expect([y.dtype, y.shape]).toEqual(['float32', [2, 3]])
  expect((await run({ y }))['y']!.data).toEqual([2, 4, 6, -1, -1.25, 31.75])
})

it('a convolution in bytes gives what a hand calculation gives, and survives a file', async () => {
  const x = input('x', 'float32', [1, 1, 1, 3])
  const w = dequantizeConstant(
    tensor('int8', [2, 1, 1, 2], Int8Array.of(10, -20, 127, 1)),
    Float32Array.of(0.1, 0.01),
    0,
    'w',
  )
  const bias = dequantizeConstant(
    tensor('int32', [2], Int32Array.of(100, -200)),
    Float32Array.of(0.05, 0.005),
    0,
    'b',
  )
  const out = { scale: 0.25, zero: 100 }
  const q = quantize(conv(dequantize(quantize(x, by), by), w, { bias }), out)
  // x as bytes: 5, 7, 3 → 1, 2, 0; weights 1, −2 and 1.27, 0.01; biases 5 and −1
  // sums 1 − 4 + 5 = 2, 2 + 5 = 7; 1.27 + 0.02 − 1 = 0.29, 2.54 − 1 = 1.54; in quarters 8, 28, 1.16, 6.16
  const feed = { x: floats('float32', [1, 1, 1, 3], [1, 2, 0]) }
  const expected = [108, 128, 101, 106]
  expect((await run({ q }, feed))['q']!.data).toEqual(expected)
  const again = readOnnx(writeOnnx({ q })).outputs['q']!
  expect([again.dtype, again.shape]).toEqual(['uint8', [1, 2, 1, 2]])
  expect((await run({ q: again }, feed))['q']!.data).toEqual(expected)
})

it('scales have at most one axis', () => {
  const scales = constant(floats('float32', [1, 2], [1, 1]))
  const node = quantize(input('x', 'float32', [2]), by).node
  if (node.kind !== 'operator') throw new Error('no operator')
  expect(() => node.operator.infer([node.inputs[0], scales], {})).toThrow(/one scale/)
})

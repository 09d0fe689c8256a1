import { floats, sizeOf } from '@cflow/base'
import { likelihoodMap } from '@cflow/core'
import { encoderSpec } from '@cflow/encoders'
import { constant, conv, gemm, input, matMul, relu, reshape } from '@cflow/graph'
import { cflow } from '@cflow/methods'
import { expect, it } from 'vitest'
import { emptyEncoder, encoderOperations } from './complexity.js'
import { multiplyAccumulates } from './count.js'
import { emptyFlow, flowConfigOf, flowOperations, flowSize } from './flow.js'
import { parameterCount } from './weights.js'

const zero = (...shape: number[]) =>
  constant(floats('float32', shape, new Float32Array(sizeOf(shape))))

it('counts convolutions and products of a small net as by hand', () => {
  const x = input('x', 'float32', [1, 4, 8, 8])
  // 3×3 over 4 channels to 6, stride 2 with padding: 6·4·4 outputs of 36 products
  const a = relu(conv(x, zero(6, 4, 3, 3), { strides: [2, 2], pads: [1, 1, 1, 1] }))
  // depthwise: 6·4·4 outputs of 9
  const b = conv(a, zero(6, 1, 3, 3), { pads: [1, 1, 1, 1], group: 6 })
  // [16, 6] · [6, 5], and transposed [5, 16] · [16, 5]
  const rows = reshape(b, [16, 6])
  const c = gemm(rows, zero(6, 5))
  const d = gemm(c, c, { transA: true })
  // two products [2, 3] · [3, 4]
  const e = matMul(zero(2, 2, 3), zero(3, 4))
  const expected = 96 * 36 + 96 * 9 + 16 * 6 * 5 + 5 * 16 * 5 + 2 * 2 * 3 * 4
  expect(multiplyAccumulates([d, e])).toBe(expected)
  // what two outputs share is counted once
  expect(multiplyAccumulates([d, c, e])).toBe(expected)
})

it('knows ResNet-18: 11.18 M parameters without the classifier, 1.81 GMAC at 224 pixels', () => {
  expect(parameterCount(encoderSpec('resnet18'))).toBe(11_176_512)
  expect(encoderOperations(emptyEncoder('resnet18', 224))).toBe(1_813_561_344)
})

it.each(['paper', 'whitened'] as const)(
  'counts a flow of recipe %s as its graph does',
  (recipe) => {
    const config = { ...flowConfigOf(7, recipe), couplingLayers: 3 }
    const map = input('map', 'float32', [1, 7, 2, 3])
    const graph = multiplyAccumulates([likelihoodMap(map, emptyFlow(config), 'flow')])
    expect(graph).toBe(6 * flowOperations(config))
  },
)

it('gives the sizes of the authors’ decoders', () => {
  const megabytes = (...depths: number[]) =>
    depths.reduce((n, d) => n + 4e-6 * flowSize(flowConfigOf(d, 'paper')).stored, 0)
  expect(cflow.recipes.paper.couplingLayers).toBe(8)
  expect(megabytes(512, 1024, 2048)).toBeCloseTo(678.9, 1)
  expect(megabytes(128, 256, 512)).toBeCloseTo(56.5, 1)
  expect(megabytes(40, 112, 160)).toBeCloseTo(12.8, 1)
})

import { expectReadmeExample } from '@cflow/base/testing'
import { expect, it } from 'vitest'
import { tensor } from '@cflow/base'
import { readWeights, toFloat32, writeSafetensors } from '@cflow/weights'

const bias = tensor('float16', [2], Uint16Array.of(0x3c00, 0xc100)) // 1 and −2.5, as their bits
const file = writeSafetensors(new Map([['head.bias', bias]]), { source: 'example' })
const weights = readWeights(file) // of any kind: recognised by its content
const numbers = toFloat32(weights.get('head.bias')!)

it('runs the example of the README', () => {
  expect(Array.from(numbers.data)).toEqual([1, -2.5])
  expectReadmeExample(import.meta.url)
})

import { expectReadmeExample } from './testing.js'
import { expect, it } from 'vitest'
import { CflowError, Random, floats, imageTensor, messageOf } from '@cflow/base'

const random = Random.seeded(7) // the same numbers on every machine
const vectors = floats('float32', [2, 3], [1, 2, 3, 4, 5, 6]) // { dtype, shape, data }
const photo = { width: 4, height: 2, data: Uint8Array.from({ length: 24 }, () => random.integer(256)) } // prettier-ignore
const pixels = imageTensor(photo) // uint8 [1, 2, 4, 3], what a detector takes
const error = new CflowError('IMAGE', 'photo.png is cut off', { hint: 'copy it again' })

it('runs the example of the README', () => {
  expect([pixels.shape, vectors.shape]).toEqual([
    [1, 2, 4, 3],
    [2, 3],
  ])
  expect([error.code, messageOf(error)]).toEqual(['IMAGE', 'photo.png is cut off'])
  expectReadmeExample(import.meta.url)
})

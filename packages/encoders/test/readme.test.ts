import { expectReadmeExample } from '@cflow/base/testing'
import { expect, it } from 'vitest'
import { encoderSpec, selectTaps } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { input } from '@cflow/graph'

const spec = selectTaps(encoderSpec('efficientnet-lite0'), 2)
const image = input('image', 'float32', ['n', 3, 256, 256]) // (pixel/255 − spec.mean) / spec.std
const maps = spec.build(image, await loadEncoderWeights(spec.name)) // one Value per spec.taps

it('runs the example of the README', () => {
  expect(maps.map((m) => m.shape)).toEqual(
    spec.taps.map((t) => ['n', t.channels, 256 / t.stride, 256 / t.stride]),
  )
  expectReadmeExample(import.meta.url)
})

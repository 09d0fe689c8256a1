import { Random, floats, sizeOf } from '@cflow/base'
import { flowHead, writeDetector, type Encoder } from '@cflow/core'
import { toyFlow, toyManifest } from '@cflow/core/testing'
import { constant, conv } from '@cflow/graph'

const random = Random.seeded(1)
const weights = (shape: number[]) => {
  const values = Float32Array.from({ length: sizeOf(shape) }, () => 0.01 * random.normal())
  return constant(floats('float32', shape, values))
}
const [inputSize, stride, depth] = [128, 16, 4]
const side = inputSize / stride
const flow = toyFlow(depth, side * side)

/** So many channels of all pixels lie between its two convolutions. */
function encoder(channels: number): Encoder {
  const [wide, narrow] = [weights([channels, 3, 1, 1]), weights([depth, channels, 1, 1])]
  const { mean, std } = toyManifest.encoder
  return { mean, std, taps: (x) => [conv(conv(x, wide), narrow, { strides: [stride, stride] })] }
}

/** A detector file of some megabytes that needs so many bytes to run. */
export const needing = (bytes: number): Uint8Array =>
  writeDetector(encoder(Math.ceil(bytes / (4 * inputSize ** 2))), flowHead([flow], 'joint'), {
    ...toyManifest,
    category: 'too large',
    encoder: {
      ...toyManifest.encoder,
      taps: [{ name: 'only', channels: depth, stride, height: side, width: side }],
    },
    inputSize,
    flows: [flow.config],
    scales: [{ depth, mean: -1, deviation: 1, max: 0 }],
  })

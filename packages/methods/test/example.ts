import { Random, floats } from '@cflow/base'
import { evidenceModel } from '@cflow/core'
import { encoderModel, encoderSpec } from '@cflow/encoders'
import { loadEncoderWeights } from '@cflow/encoders/node'
import { input, writeOnnx } from '@cflow/graph'
import { methodOf, resolveConfig } from '@cflow/methods'
import { openRuntime } from '@cflow/runtimes'

const config = resolveConfig({ method: 'padim', inputSize: 64, channels: 16 })
const weights = await loadEncoderWeights(config.encoder)
const encoder = encoderModel(encoderSpec(config.encoder), weights, config.poolLayers, 64)
const runtime = await openRuntime()
const random = Random.seeded(0)
const images = Array.from({ length: 10 }, () =>
  Uint8Array.from({ length: 64 * 64 * 3 }, () => 100 + random.integer(50)),
)

// what the method wants of an image, as a model of its own
const padim = methodOf('padim')
const { view } = padim.prepare(config, encoder, images.length)
const pixels = input('pixels', 'float32', ['N', 3, 64, 64])
const [rows] = view!(pixels, encoder.encoder)
const extractor = await runtime.createSession(writeOnnx({ rows: rows! }))
const planes = (image: Uint8Array) =>
  floats(
    'float32',
    [1, 3, 64, 64],
    image.map((_, i) => image[(i % 4096) * 3 + Math.floor(i / 4096)]!),
  )

const { head, manifest } = await padim.learn({
  ...{ config, encoder, runtime, training: [...images.keys()] },
  features: {
    cached: false,
    async *of(indices) {
      for (const i of indices)
        yield [(await extractor.run({ pixels: planes(images[i]!) }))['rows']!.data as Float32Array]
    },
    transform: async () => undefined,
  },
  progress: () => () => undefined,
  timed: (_, work) => work(),
  once: (_, work) => work(),
})
console.log(manifest?.settings) // { channels: 16, regularisation: 0.01 }
const found = await runtime.createSession(evidenceModel(encoder.encoder, head, config.inputSize))
console.log(found.outputs) // [ 'distances' ]

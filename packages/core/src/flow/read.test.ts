import { floats, tensor, type Tensor } from '@cflow/base'
import { openRuntime } from '@cflow/runtimes'
import { expect, it } from 'vitest'
import { detectorStages, logLikelihood, readFlow } from '../index.js'
import { noise, toyDetector, toyManifest } from '../testing.js'

it('gives the log-likelihoods that the file itself gives, at every scale', async () => {
  const bytes = toyDetector()
  const { width, height, data } = noise(3, 40, 30)
  const feeds = { image: tensor('uint8', [1, height, width, 3], data) }
  const runtime = await openRuntime({ threads: 1 })
  const apply = async (model: Uint8Array, inputs: Readonly<Record<string, Tensor>>) =>
    (await runtime.createSession(model)).run(inputs)
  const outputs = await apply(bytes, feeds)
  const [preprocessing, encoder] = detectorStages(bytes)
  const taps = await apply(encoder!.model, await apply(preprocessing!.model, feeds))
  for (const [k, tap] of toyManifest.encoder.taps.entries()) {
    const [depth, area] = [tap.channels, tap.height * tap.width]
    const map = taps[`stage encoder ${k}`]!.data as Float32Array
    const rows = Float32Array.from(
      { length: area * depth },
      (_, i) => map[(i % depth) * area + Math.floor(i / depth)] as number,
    )
    const vectors = floats('float32', [area, depth], rows)
    const own = outputs[`log_likelihood_${k}`]!.data
    const read = await logLikelihood(readFlow(bytes, k), vectors, { runtime })
    read.forEach((v, i) => expect(v / depth).toBeCloseTo(Number(own[i]), 4))
    // one position from outside is what it is among all
    const at = area - 2
    const one = floats('float32', [1, depth], rows.slice(at * depth, (at + 1) * depth))
    const [alone] = await logLikelihood(readFlow(bytes, k), one, { runtime, positions: [at] })
    expect(alone).toBeCloseTo(read[at]!, 4)
  }
})

it('says which scales there are', () => {
  expect(() => readFlow(toyDetector(), 2)).toThrow('no flow 2: the detector has 2')
})

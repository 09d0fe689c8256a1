import {
  conditionRows,
  constantValues,
  flowTransform,
  positionalEncoding,
  spreadOf,
  type ScaleFlow,
  type Tap,
} from '@cflow/core'
import { floats, tensor } from '@cflow/base'
import { constant, input, writeOnnx } from '@cflow/graph'
import type { Job } from '../method.js'

/** Images that the base is fitted to at most. */
const most = 64

/**
 * Flows whose base distribution is refitted to the latent vectors of good images: those that they did not learn from where
 * there are any, for latent vectors of images that were learned from are closer to the standard Gaussian than others are
 * (AltUB, Kim et al., arXiv 2210.14913). As many vectors as an image has positions count for the standard Gaussian.
 */
export async function refitted(
  { runtime, encoder, features, validation = [], training }: Job<unknown>,
  flows: readonly ScaleFlow[],
): Promise<readonly ScaleFlow[]> {
  const images = (validation.length > 0 ? validation : training).slice(0, most)
  const session = await runtime.createSession(latentModel(encoder.taps, flows))
  const latent = flows.map((): Float32Array[] => [])
  for await (const found of features.of(images)) {
    const feeds = encoder.taps.map(({ channels, height, width }, k) => {
      const rows = found[k] as Float32Array
      return [`rows${k}`, tensor('float32', [height * width, channels], rows)] as const
    })
    const got = await session.run(Object.fromEntries(feeds))
    flows.forEach((_, k) => latent[k]?.push((got[`latent${k}`]?.data as Float32Array).slice()))
  }
  await session.release()
  return flows.map((flow, k) => {
    const { channels, height, width } = encoder.taps[k] as Tap
    return { ...flow, base: spreadOf(latent[k] ?? [], channels, height * width) }
  })
}

/** From the features of an image, whitened where the flows are, [h·w, D] of every tap, to latent vectors. */
function latentModel(taps: readonly Tap[], flows: readonly ScaleFlow[]): Uint8Array {
  const outputs = flows.map(({ config, parameters }, k) => {
    const { height, width, channels } = taps[k] as Tap
    const area = height * width
    const encoding = (c: number) =>
      constant(floats('float32', [area, c], positionalEncoding(height, width, c)))
    const { condition: c } = config
    const { value } = flowTransform(config).forward(
      input(`rows${k}`, 'float32', [area, channels]),
      constantValues(parameters),
      c > 0 ? { condition: conditionRows(encoding(c)) } : {},
    )
    return [`latent${k}`, value] as const
  })
  return writeOnnx(Object.fromEntries(outputs))
}

import { sizeOf, type Random } from '@cflow/base'
import { parameterCount, type ParameterShapes, type Values } from '@cflow/core'
import { gemm, reduceMean, relu, square, sub, type Value } from '@cflow/graph'
import { standardised, type Standardisation } from '../training/moments.js'

/** The autoencoder of DFR: three 1×1 convolutions down and three up, that is linear layers on feature vectors. */
export interface Autoencoder {
  /** Channels of the features. */
  readonly depth: number
  /** Width of the bottleneck. */
  readonly latent: number
}

/** D → (D + 2L)/2 → 2L → L, and back. */
function widths({ depth, latent }: Autoencoder): readonly number[] {
  return [depth, Math.floor((depth + 2 * latent) / 2), 2 * latent, latent]
}

/** `{prefix}.{k}.weight` [out, in] and `{prefix}.{k}.bias` [out] of a stack of linear layers. */
const stackShapes = (prefix: string, sizes: readonly number[]): ParameterShapes =>
  sizes.slice(1).flatMap((out, k): ParameterShapes => [
    [`${prefix}.${k}.weight`, [out, sizes[k] as number]],
    [`${prefix}.${k}.bias`, [out]],
  ])

export const autoencoderShapes = (net: Autoencoder): ParameterShapes => [
  ...stackShapes('encoder', widths(net)),
  ...stackShapes('decoder', widths(net).toReversed()),
]

/** Fresh parameters, flat: uniform in ±1/√fan_in as PyTorch draws them. */
export function initialAutoencoder(net: Autoencoder, random: Random): Float32Array {
  const shapes = autoencoderShapes(net)
  const flat = new Float32Array(parameterCount(shapes))
  let at = 0
  let bound = 0
  for (const [, shape] of shapes) {
    // a bias has the fan-in of its weight, which comes before it
    if (shape.length === 2) bound = 1 / Math.sqrt(shape[1] as number)
    for (const end = at + sizeOf(shape); at < end; at++) flat[at] = random.uniform(-bound, bound)
  }
  return flat
}

/** Rows [R, in] through a stack of three linear layers with ReLU between them. */
function stack(x: Value, prefix: string, values: Values): Value {
  for (let k = 0; k < 3; k++) {
    const [weight, c] = [values(`${prefix}.${k}.weight`), values(`${prefix}.${k}.bias`)]
    x = gemm(k > 0 ? relu(x) : x, weight, { transB: true, c })
  }
  return x
}

/**
 * Mean squared error of the reconstruction of every row. Rows are standardised first: it takes the place of the
 * original's batch normalisation.
 * @param rows [R, D]
 * @returns [R]
 */
export function reconstructionError(rows: Value, scaling: Standardisation, values: Values): Value {
  const x = standardised(rows, scaling)
  const decoded = stack(stack(x, 'encoder', values), 'decoder', values)
  return reduceMean(square(sub(decoded, x)), [1])
}

import type { Random } from '@cflow/base'
import type { ParameterShapes } from '@cflow/core'
import { reduceMean, square, sub, type Value } from '@cflow/graph'
import { initialParameters, stack, stackShapes } from '../linear.js'
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

export const autoencoderShapes = (net: Autoencoder): ParameterShapes => [
  ...stackShapes('encoder', widths(net)),
  ...stackShapes('decoder', widths(net).toReversed()),
]

export const initialAutoencoder = (net: Autoencoder, random: Random): Float32Array =>
  initialParameters(autoencoderShapes(net), random)

/**
 * Mean squared error of the reconstruction of every row. Rows are standardised first: it takes the place of the
 * original's batch normalisation.
 * @param rows [R, D]
 * @returns [R]
 */
export function reconstructionError(
  rows: Value,
  scaling: Standardisation,
  values: ReadonlyMap<string, Value>,
): Value {
  const x = standardised(rows, scaling)
  const decoded = stack(stack(x, 'encoder', 3, values), 'decoder', 3, values)
  return reduceMean(square(sub(decoded, x)), [1])
}

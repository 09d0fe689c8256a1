import { rowsOfMap } from '@cflow/core'
import { reshape } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { joinBilinear, mapShape } from '../features.js'
import { mapVerdicts } from '../head.js'
import type { Head } from '../head.js'
import { constantParameters } from '../linear.js'
import type { Standardisation } from '../moments.js'
import { autoencoderShapes, reconstructionError } from './autoencoder.js'
import type { Autoencoder } from './autoencoder.js'

/** A trained autoencoder. */
export interface DfrModel {
  readonly net: Autoencoder
  readonly scaling: Standardisation
  /** All its parameters, in the order of `autoencoderShapes`. */
  readonly parameters: Float32Array
}

/** DFR's features: the taps joined bilinearly at the finest one's size, as rows [N·h·w, ΣD]. */
export const dfrRows = (taps: readonly Value[]): Value => rowsOfMap(joinBilinear(taps))

/** DFR: reconstruction error of every position, bilinear to the image's size; the score is the map's maximum. */
export const dfrHead =
  ({ net, scaling, parameters }: DfrModel): Head =>
  (taps, size) => {
    const { height, width } = mapShape(taps[0] as Value)
    const values = constantParameters(autoencoderShapes(net), parameters)
    const error = reconstructionError(dfrRows(taps), scaling, values)
    return mapVerdicts(reshape(error, [-1, height, width]), size, {
      corners: 'aligned',
      blurred: false,
    })
  }

import { blur } from '@cflow/core'
import { reduceMax, reshape, resizeBilinear, type Value } from '@cflow/graph'

/** Deviation in pixels of the blur of anomaly maps, of PaDiM's, SPADE's and PatchCore's authors. */
export const gaussianSigma = 4

/** A map of positions [N, h, w] as an anomaly map [N, S, S], and its maximum as the score. */
export function mapVerdict(
  positions: Value,
  size: number,
  options: { readonly corners: 'aligned' | 'half'; readonly blurred: boolean },
): { readonly map: Value; readonly score: Value } {
  const [, h, w] = positions.shape as [unknown, number, number]
  const up = resizeBilinear(reshape(positions, [-1, 1, h, w]), size, size, options.corners)
  const map = reshape(options.blurred ? blur(up, gaussianSigma) : up, [-1, size, size])
  return { map, score: reduceMax(map, [1, 2]) }
}

import { tensor } from '@cflow/base'
import { constant, matMul, reduceSumSquare, reshape, sqrt, sub, transpose } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { joinNearest, mapShape } from '../features.js'
import { mapVerdicts } from '../head.js'
import type { Head } from '../head.js'
import type { PadimModel } from './estimate.js'

/**
 * Mahalanobis distance of every position, ‖L⁻¹(z − μ)‖: one batched product over the positions.
 * @param map features [N, d, h, w] of the model's channels
 * @returns [N, h, w]
 */
export function mahalanobisMap(map: Value, model: PadimModel): Value {
  const { height: h, width: w } = mapShape(map)
  const { positions, depth: d } = model
  const rows = reshape(transpose(map, [2, 3, 0, 1]), [positions, -1, d])
  const mean = constant(tensor('float32', [positions, 1, d], model.mean), 'padim.mean')
  const factor = constant(tensor('float32', [positions, d, d], model.factor), 'padim.factor')
  const squared = reduceSumSquare(matMul(sub(rows, mean), factor), [2])
  return reshape(transpose(sqrt(squared), [1, 0]), [-1, h, w])
}

/** PaDiM: Mahalanobis distances, bilinear to the image's size, blurred; the score is the map's maximum. */
export const padimHead =
  (model: PadimModel, channels: readonly number[]): Head =>
  (taps, size) =>
    mapVerdicts(mahalanobisMap(joinNearest(taps, channels), model), size, {
      corners: 'half',
      blurred: true,
    })

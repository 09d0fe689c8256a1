import type { Random } from '@cflow/base'
import type { ScaleShape } from './encoding.js'

/** Shape of one scale's mini-batches. */
export interface BatchShape {
  /** Rows of a mini-batch: groups × positions. */
  readonly rows: number
  /** Different positions in a mini-batch; row r is at position r mod positions. */
  readonly positions: number
}

/** Rows of one mini-batch: which image (by its place in the chunk) and which position each row is. */
export interface Selection {
  readonly image: Int32Array
  readonly position: Int32Array
}

/**
 * Mini-batches in which groups of images share positions: the condition's products are then worked out once per
 * position. At least four steps cover the positions of a map.
 */
export function groupedShape(scale: ScaleShape, miniBatch: number, images: number): BatchShape {
  const area = scale.height * scale.width
  const positions = Math.min(Math.max(Math.floor(area / 4), Math.min(area, 64)), miniBatch)
  const groups = Math.min(Math.max(Math.floor(miniBatch / positions), 1), images)
  return { rows: groups * positions, positions }
}

/**
 * One pass over a chunk of images in grouped mini-batches: every position of every round meets another image, images
 * and positions in random order. What does not fill a mini-batch is left out of this pass.
 */
export function* groupedSelections(
  shape: BatchShape,
  area: number,
  images: number,
  random: Random,
): Generator<Selection> {
  const groups = shape.rows / shape.positions
  const rounds = Math.floor(images / groups)
  const steps = Math.floor(area / shape.positions)
  // images in an order of their own for each position: order[p·images + i]
  const order = new Int32Array(area * images)
  for (let p = 0; p < area; p++) order.set(random.permutation(images), p * images)
  for (let round = 0; round < rounds; round++) {
    const positions = random.permutation(area)
    for (let step = 0; step < steps; step++) {
      const image = new Int32Array(shape.rows)
      const position = new Int32Array(shape.rows)
      for (let r = 0; r < shape.rows; r++) {
        const p = positions[step * shape.positions + (r % shape.positions)] as number
        position[r] = p
        image[r] = order[p * images + round * groups + Math.floor(r / shape.positions)] as number
      }
      yield { image, position }
    }
  }
}

/** One pass over a chunk as the authors do it: all vectors permuted, cut into mini-batches, the rest dropped. */
export function* permutedSelections(
  shape: BatchShape,
  area: number,
  images: number,
  random: Random,
): Generator<Selection> {
  const order = random.permutation(area * images)
  for (let from = 0; from + shape.rows <= order.length; from += shape.rows) {
    const rows = order.subarray(from, from + shape.rows)
    yield {
      image: rows.map((v) => Math.floor(v / area)),
      position: rows.map((v) => v % area),
    }
  }
}

import type { Random } from '@cflow/base'

/** Shape of mini-batches. */
export interface BatchShape {
  /** Rows of a mini-batch: groups × positions. */
  readonly rows: number
  /** Different positions in a mini-batch; row r is at position r mod positions. */
  readonly positions: number
}

/** Rows of one mini-batch: which image (by its index in the chunk) and which position each row is. */
export interface Selection {
  readonly image: Int32Array
  readonly position: Int32Array
}

/** Cuts the vectors of a chunk, of `images` maps of `area` positions, into mini-batches. */
export interface Sampling {
  /** @param images those of a chunk */
  shape(area: number, miniBatch: number, images: number): BatchShape
  /** Mini-batches of one pass over a chunk, in random order. What does not fill one is left out of this pass. */
  select(shape: BatchShape, area: number, images: number, random: Random): Generator<Selection>
  /** Number of these. */
  count(shape: BatchShape, area: number, images: number): number
}

/**
 * Mini-batches in which groups of images share positions: the condition's products are then worked out once per
 * position. At least four steps cover the positions of a map. Every position of every round meets another image.
 */
const grouped: Sampling = {
  shape(area, miniBatch, images) {
    const positions = Math.min(Math.max(Math.floor(area / 4), Math.min(area, 64)), miniBatch)
    const groups = Math.min(Math.max(Math.floor(miniBatch / positions), 1), images)
    return { rows: groups * positions, positions }
  },
  count: ({ rows, positions }, area, images) =>
    Math.floor(images / (rows / positions)) * Math.floor(area / positions),
  *select(shape, area, images, random) {
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
  },
}

/** As the authors do it: all vectors permuted, cut into mini-batches. */
const permuted: Sampling = {
  shape(area, miniBatch, images) {
    const rows = Math.min(miniBatch, images * area)
    return { rows, positions: rows }
  },
  count: ({ rows }, area, images) => Math.floor((images * area) / rows),
  *select({ rows }, area, images, random) {
    const order = random.permutation(area * images)
    for (let from = 0; from + rows <= order.length; from += rows) {
      const vectors = order.subarray(from, from + rows)
      yield {
        image: vectors.map((v) => Math.floor(v / area)),
        position: vectors.map((v) => v % area),
      }
    }
  },
}

export const samplings = { grouped, permuted } as const

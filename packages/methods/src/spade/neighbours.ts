/** SPADE's number of neighbours (Cohen & Hoshen 2020). */
export const spadeNeighbours = 50

export interface Neighbours {
  /** Places of the nearest images, nearest first. */
  readonly indices: readonly number[]
  /** Mean distance to them: the image score. */
  readonly score: number
}

/** The k nearest of a gallery; all of it where it is smaller. Of equal distances the earlier image is nearer. */
export function nearestImages(distances: ArrayLike<number>, k: number): Neighbours {
  const order = Array.from(distances, (distance, index) => ({ distance, index }))
    .sort((a, b) => a.distance - b.distance || a.index - b.index)
    .slice(0, k)
  return {
    indices: order.map((o) => o.index),
    score: order.reduce((sum, o) => sum + o.distance, 0) / order.length,
  }
}

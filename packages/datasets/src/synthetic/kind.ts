import type { Random } from '@cflow/base'
import type { Variation } from './camera.js'
import type { Canvas } from './canvas.js'

/** A defect to be painted: its type, and the stream that its place and form come from. */
export interface Flaw {
  readonly type: string
  readonly random: Random
}

/** A kind of thing that can be photographed. */
export interface Kind {
  readonly name: string
  readonly defects: readonly string[]
  readonly variation: Variation
  /** Changes of a defect that lie within twice this of each other are one region; a share of the picture. */
  readonly gap: number
  /**
   * Paint one exemplar. Everything that is normal comes from `scene` alone and in the same order, flaw or none, so that
   * the same exemplar can be painted with and without its defect.
   */
  paint(canvas: Canvas, scene: Random, flaw?: Flaw): void
}

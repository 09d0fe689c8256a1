import type { Random } from '@cflow/base'
import type { Variation } from './camera.js'
import type { Canvas } from './canvas.js'

/** Something to photograph. What defects change is there from the beginning: things of one kind have one shape. */
export interface Thing {
  /** Paints what a defect lays on top of it. */
  readonly over: ((canvas: Canvas) => void) | undefined
}

/** A kind of thing that can be photographed. */
export interface Kind {
  /** Types of defect, sorted. */
  readonly defects: readonly string[]
  readonly variation: Variation
  /** Changes of a defect that lie within twice this of each other are one region; a share of the picture. */
  readonly gap: number
  /**
   * Paint one exemplar. Everything that is normal comes from `scene` alone and in the same order, flaw or none, so that
   * the same exemplar can be painted with and without its defect.
   * @param flaw type of the defect, and the stream that its place and form come from
   */
  paint(
    canvas: Canvas,
    scene: Random,
    flaw?: { readonly type: string; readonly random: Random },
  ): void
}

/** What makes a kind of thing. */
export interface Maker<T extends Thing> extends Pick<Kind, 'variation' | 'gap'> {
  draw(scene: Random): T
  paint(canvas: Canvas, thing: T): void
  /** What each type of defect changes in a good exemplar, sorted by name. */
  readonly flaws: Readonly<Record<string, (good: T, random: Random) => Partial<T>>>
}

/** The kind of thing that a maker makes. */
export function kindOf<T extends Thing>({ draw, paint, flaws, ...shared }: Maker<T>): Kind {
  return {
    ...shared,
    defects: Object.keys(flaws),
    paint(canvas, scene, flaw) {
      const good = draw(scene)
      const thing = { ...good, ...(flaw && flaws[flaw.type]!(good, flaw.random)) }
      paint(canvas, thing)
      thing.over?.(canvas)
    },
  }
}

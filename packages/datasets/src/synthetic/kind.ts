import type { Random } from '@cflow/base'
import type { Variation } from './camera.js'
import type { Canvas } from './canvas.js'

/** Something to photograph. What defects change is there from the beginning: things of one kind have one shape. */
export interface Thing {
  /** Paints what a defect lays on top of it. */
  readonly over: ((canvas: Canvas) => void) | undefined
}

/** What makes a kind of thing. */
interface Maker<T extends Thing> {
  readonly variation: Variation
  /** Changes of a defect that lie within twice this of each other are one region; a share of the picture. */
  readonly gap: number
  /** Draw an exemplar: everything that is normal comes from here. */
  draw(scene: Random): T
  paint(canvas: Canvas, thing: T): void
  /** What each type of defect changes in a good exemplar, sorted by name. */
  readonly flaws: Readonly<Record<string, (good: T, random: Random) => Partial<T>>>
}

/** A kind of thing that can be photographed. */
export type Kind = ReturnType<typeof kindOf>

/** The kind of thing that a maker makes. */
export function kindOf<T extends Thing>({ variation, gap, draw, paint, flaws }: Maker<T>) {
  return {
    variation,
    gap,
    /** Types of defect, sorted. */
    defects: Object.keys(flaws),
    /** Paint one exemplar, the same with or without a defect, whose place and form come from a stream of its own. */
    paint(canvas: Canvas, scene: Random, flaw?: { type: string; random: Random }): void {
      const good = draw(scene)
      const thing = { ...good, ...(flaw && flaws[flaw.type]!(good, flaw.random)) }
      paint(canvas, thing)
      thing.over?.(canvas)
    },
  }
}

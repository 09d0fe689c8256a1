import type { Random } from '@cflow/base'
import type { Colour } from '../canvas.js'
import { radians } from '../maths.js'
import { length, place, pose } from '../shapes.js'
import type { Point, Pose } from '../shapes.js'

/** An insulated conductor, seen end on. */
export interface Wire {
  readonly centre: Point
  readonly colour: Colour
  readonly strands: readonly Strand[]
  readonly seed: number
}

/** A cable cut across, and how it lies under the camera. Lengths are shares of the picture. */
export interface Cable {
  readonly pose: Pose
  readonly wires: readonly Wire[]
  readonly seed: number
}

/** Radii before scaling: the sheath's outside and inside, insulation, and the bunch of strands. */
export const radii = { sheath: 0.41, filler: 0.365, wire: 0.152, conductor: 0.108 } as const

/** Insulation: green, brown and blue, clockwise. */
export const insulation: readonly Colour[] = [
  [0.06, 0.27, 0.09],
  [0.25, 0.1, 0.045],
  [0.05, 0.13, 0.42],
]

/** One copper strand, end on: place within its conductor and look. */
export interface Strand {
  readonly x: number
  readonly y: number
  readonly radius: number
  readonly tone: number
  /** Direction that its cut face leans to. */
  readonly lean: readonly [number, number]
}

const spacing = 0.0262

/** A bunch of strands, packed as hexagons are and then shaken. */
function drawStrands(random: Random): Strand[] {
  const turned = pose(0, 0, random.uniform(0, 1.0472))
  const strands: Strand[] = []
  for (let row = -5; row <= 5; row++)
    for (let column = -5; column <= 5; column++) {
      const shift = (row & 1) / 2
      const [x, y] = place(turned, (column + shift) * spacing, row * spacing * 0.866)
      const strand = {
        x: x + random.uniform(-0.0022, 0.0022),
        y: y + random.uniform(-0.0022, 0.0022),
        radius: random.uniform(0.0122, 0.0138),
        tone: random.uniform(0.7, 1.2),
        lean: [random.uniform(-1, 1), random.uniform(-1, 1)],
      } as const
      if (length(strand.x, strand.y) < radii.conductor - 0.013) strands.push(strand)
    }
  return strands
}

/** Draw a cable. */
export function cut(random: Random): Cable {
  const at = pose(
    0.5 + random.uniform(-0.025, 0.025),
    0.5 + random.uniform(-0.025, 0.025),
    radians(random.uniform(-14, 14)),
    random.uniform(0.95, 1.05),
  )
  const wires = insulation.map((colour, k): Wire => {
    const angle = pose(0, 0, radians(120 * k - 90 + random.uniform(-4, 4)))
    const [u, v] = place(angle, 0.187 + random.uniform(-0.006, 0.004), 0)
    return {
      centre: place(at, u, v),
      colour,
      strands: drawStrands(random),
      seed: random.uint32() | 0,
    }
  })
  return { pose: at, wires, seed: random.uint32() | 0 }
}

/** Whether material is missing at a point: of the sheath (−1) or of a wire's insulation (its number). */
export type Missing = (layer: number, x: number, y: number) => boolean

import { type Mask, Random, type RgbImage } from '@cflow/base'
import { type Camera, camera, develop, expose, oversampling } from './camera.js'
import { changedMask } from './change.js'
import type { Kind } from './kind.js'
import { cable } from './kinds/cable.js'
import { mesh } from './kinds/mesh.js'
import { part } from './kinds/part.js'

const kinds = { mesh, cable, part } satisfies Readonly<Record<string, Kind>>

/** A woven mesh, a cable cut across, or a stamped metal part at any angle. */
export type SyntheticKind = keyof typeof kinds

/** Names of the built-in things to photograph. */
export const syntheticKinds = Object.keys(kinds) as readonly SyntheticKind[]

/** The types of defect of a kind, sorted. */
export function syntheticDefects(kind: SyntheticKind): readonly string[] {
  return kinds[kind].defects
}

/** One synthetic photograph: everything in it follows from these. */
export interface Shot {
  readonly kind: SyntheticKind
  /** Width and height in pixels, 32 to 2048. */
  readonly size: number
  /** Name of the random streams of the exemplar, its defect and its camera. */
  readonly stream: string
  readonly seed: number
  /** Type of defect, one of the kind's; none when absent. */
  readonly defect?: string
}

/**
 * Render a photograph. The same shot gives the same bytes on every platform; without its `defect` it shows the same
 * exemplar in the same pose and light, with the same sensor noise.
 */
export function renderShot(shot: Shot): RgbImage {
  const lens = cameraOf(shot)
  return expose(levelsOf(shot, lens), lens)
}

/**
 * The pixels that a shot's defect changed visibly, small gaps closed; all zero without a defect. It takes two
 * renderings.
 */
export function renderMask(shot: Shot): Mask {
  const { defect, ...good } = shot
  const { size } = shot
  if (defect === undefined) return { width: size, height: size, data: new Uint8Array(size * size) }
  const lens = cameraOf(shot)
  const reach = Math.max(1, Math.round(kinds[shot.kind].gap * size))
  return changedMask(levelsOf(good, lens), levelsOf(shot, lens), size, reach)
}

function cameraOf({ kind, seed, stream }: Shot): Camera {
  return camera(Random.seeded(seed, `${stream}/camera`), kinds[kind].variation)
}

function levelsOf({ kind, size, stream, seed, defect }: Shot, lens: Camera): Float32Array {
  const side = size * oversampling
  const canvas = { side, light: new Float32Array(side * side * 3) }
  const random = Random.seeded(seed, `${stream}/flaw`)
  const flaw = defect === undefined ? undefined : { type: defect, random }
  kinds[kind].paint(canvas, Random.seeded(seed, `${stream}/scene`), flaw)
  return develop(canvas, lens)
}

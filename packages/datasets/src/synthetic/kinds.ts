import type { Kind } from './kind.js'
import { cable } from './kinds/cable.js'
import { mesh } from './kinds/mesh.js'
import { part } from './kinds/part.js'

/** Names of the built-in things to photograph. */
export const syntheticKinds = ['mesh', 'cable', 'part'] as const

/** A woven mesh, a cable cut across, or a stamped metal part at any angle. */
export type SyntheticKind = (typeof syntheticKinds)[number]

export const kinds: { readonly [K in SyntheticKind]: Kind } = { mesh, cable, part }

/** The types of defect of a kind, sorted. */
export function syntheticDefects(kind: SyntheticKind): readonly string[] {
  return kinds[kind].defects
}

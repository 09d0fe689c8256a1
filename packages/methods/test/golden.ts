import { readFileSync } from 'node:fs'

/** Numbers of the reference implementations of PaDiM and SPADE on the same random features. */
export const golden = JSON.parse(
  readFileSync(new URL('../fixtures/baselines.json', import.meta.url), 'utf8'),
) as {
  readonly padim: { readonly regularisation: number; readonly distance: number[][][] }
  readonly spade: {
    readonly K: number
    readonly imageScore: number[]
    readonly nearestPixelDistance: number[][][]
  }
}

export const [depth, height, width] = [4, 3, 5]
export const positions = height * width

/** The features: maps [D, H, W] of 12 training and 2 test images, 2u − 1 with the linear congruential generator. */
export function goldenMaps(): { readonly train: Float32Array[]; readonly test: Float32Array[] } {
  let state = 7
  const next = () => {
    state = (Math.imul(1664525, state) + 1013904223) >>> 0
    return (2 * state) / 2 ** 32 - 1
  }
  const maps = Array.from({ length: 14 }, () =>
    Float32Array.from({ length: depth * positions }, next),
  )
  return { train: maps.slice(0, 12), test: maps.slice(12) }
}

/** A map [D, H, W] as rows [H·W, D]. */
export const rowsOf = (map: Float32Array): Float32Array =>
  map.map((_, i) => map[(i % depth) * positions + Math.floor(i / depth)]!)

/** Largest relative difference. */
export function relativeError(got: ArrayLike<number>, wanted: readonly number[]): number {
  return Math.max(...wanted.map((w, i) => Math.abs(got[i]! - w) / Math.abs(w)))
}

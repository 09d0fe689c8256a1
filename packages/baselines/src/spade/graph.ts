import {
  add,
  gemm,
  input,
  max,
  reduceMean,
  reduceMin,
  reduceSumSquare,
  reshape,
  scalar,
  sqrt,
  sub,
  transpose,
  writeOnnx,
} from '@cflow/graph'
import type { Value } from '@cflow/graph'
import { rowsOfMap } from '@cflow/core'
import { joinNearest } from '../features.js'
import type { MapShape } from '../features.js'
import { mapVerdicts } from '../head.js'

/** Names of the inputs and outputs of SPADE's graphs. */
export const spadeNames = {
  query: (k: number): string => `query${k}`,
  gallery: (k: number): string => `gallery${k}`,
  pooled: 'pooled',
  galleryPooled: 'gallery_pooled',
  distances: 'distances',
  positions: 'positions',
} as const

/** The global descriptor of images: the last tap averaged over its positions, [N, D]. @param map [N, D, h, w] */
export const pooledTap = (map: Value): Value => reduceMean(map, [2, 3])

/** Distances of an image's descriptor `pooled` [1, D] to those of the gallery, `gallery_pooled` [n, D]: [n]. */
export function imageDistances(images: number, depth: number): Uint8Array {
  const query = input(spadeNames.pooled, 'float32', [1, depth])
  const gallery = input(spadeNames.galleryPooled, 'float32', [images, depth])
  return writeOnnx({
    [spadeNames.distances]: sqrt(reduceSumSquare(sub(gallery, query), [1])),
  })
}

/**
 * Distance of every position of an image to the nearest position, wherever it lies, of one image of the gallery:
 * feature vectors are those of all taps joined at the finest one's size. Inputs are the taps as rows, `query0` … and
 * `gallery0` … [hₖ·wₖ, Dₖ]; output `distances` [h·w].
 */
export function positionDistances(taps: readonly MapShape[]): Uint8Array {
  const rowsOf = (name: (k: number) => string): Value =>
    rowsOfMap(
      joinNearest(
        taps.map(({ depth, height, width }, k) => {
          const rows = input(name(k), 'float32', [height * width, depth])
          return transpose(reshape(rows, [1, height, width, depth]), [0, 3, 1, 2])
        }),
      ),
    )
  const [a, b] = [rowsOf(spadeNames.query), rowsOf(spadeNames.gallery)]
  const norms = (x: Value) => reduceSumSquare(x, [1], true)
  // ‖a − b‖² = ‖a‖² + ‖b‖² − 2·aᵀb
  const products = gemm(a, b, { transB: true, alpha: -2, c: transpose(norms(b), [1, 0]) })
  const squared = add(reduceMin(products, [1], true), norms(a))
  return writeOnnx({
    [spadeNames.distances]: reshape(sqrt(max(squared, scalar(0))), [-1]),
  })
}

/** Distances of positions, `positions` [1, h, w], as an anomaly map [1, S, S]: bilinear, then blurred. */
export function spadeMap({ height, width }: MapShape, size: number): Uint8Array {
  const positions = input(spadeNames.positions, 'float32', [1, height, width])
  const { map } = mapVerdicts(positions, size, { corners: 'half', blurred: true })
  return writeOnnx({ map })
}

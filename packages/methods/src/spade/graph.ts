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
import type { MapShape } from '../features.js'
import { mapVerdicts } from '../head.js'

/** Names of the inputs and outputs of SPADE's graphs. */
export const spadeNames = {
  query: 'query',
  gallery: 'gallery',
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
 * Distance of every position of an image to the nearest position, wherever it lies, of one image of the gallery.
 * Inputs are feature vectors, `query` and `gallery` [positions, depth]; output `distances` [positions].
 */
export function positionDistances(positions: number, depth: number): Uint8Array {
  const a = input(spadeNames.query, 'float32', [positions, depth])
  const b = input(spadeNames.gallery, 'float32', [positions, depth])
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

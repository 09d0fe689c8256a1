import { tensor, type Random, type Tensor } from '@cflow/base'

/** Vectors chosen to stand for all. */
export interface Coreset {
  /** Their rows, in the order in which they were chosen. */
  readonly chosen: Int32Array
  /**
   * How far each lay from those before it: the distance within which these cover every vector, descending. Infinite for
   * the first. Of projected vectors, the distance after projection.
   */
  readonly radii: Float64Array
}

export interface CoresetOptions {
  /** Vectors of more than twice this length are first projected at random to this length; 128 when absent. */
  readonly projected?: number
  /** Called now and then with how many are chosen; may throw to stop. */
  readonly onChosen?: (chosen: number) => void
}

/**
 * Greedy k-centre selection: the first vector at random, then always the one that is farthest from those chosen. No other
 * choice of as many covers all within less than half of its radius (Gonzalez 1985).
 *
 * It is the exact selection, but most distances are never computed. A vector's distance to the chosen ones only shrinks,
 * so the last one known bounds it, and only the vector with the largest bound is looked at, until another's is larger.
 * A distance is computed as far as it takes to exceed the bound: first in the 16 directions of largest variance, with
 * the length of the rest, which is a lower bound, then channel by channel.
 * @param vectors [n, D]
 * @param count how many to choose; fewer are chosen where there are no more that differ
 */
export function greedyCoreset(
  vectors: Tensor<'float32'>,
  count: number,
  random: Random,
  options: CoresetOptions = {},
): Coreset {
  const { projected = 128, onChosen } = options
  const rows = vectors.shape[0] as number
  const x = padded(project(vectors, projected, random))
  const depth = x.length / rows
  const { keys, width } = boundKeys(x, depth, random)

  const most = Math.min(count, rows)
  const chosen = new Int32Array(most)
  const radii = new Float64Array(most)
  /** Of those chosen, next to each other. */
  const centres = new Float32Array(most * depth)
  const centreKeys = new Float64Array(most * width)
  /** Square of the distance to the nearest of the first `seen` of them. */
  const nearest = new Float64Array(rows).fill(Infinity)
  const seen = new Int32Array(rows)
  const heap = Int32Array.from({ length: rows }, (_, i) => i)

  /** Bring row p up to date with the first m chosen, or until its distance is less than `enough`. */
  const update = (p: number, m: number, enough: number): void => {
    let near = nearest[p] as number
    let j = seen[p] as number
    const key = p * width
    const from = p * depth
    for (; j < m && near >= enough; j++) {
      let a = key
      let b = j * width
      const r = keys[a]! - centreKeys[b]!
      let s = r * r
      for (const end = b + width - 1; b < end && s < near;) {
        // four at a time (all lengths are multiples of it): a comparison costs as much as a sum
        const d0 = keys[++a]! - centreKeys[++b]!
        const d1 = keys[++a]! - centreKeys[++b]!
        const d2 = keys[++a]! - centreKeys[++b]!
        const d3 = keys[++a]! - centreKeys[++b]!
        s += d0 * d0 + d1 * d1 + (d2 * d2 + d3 * d3)
      }
      if (s >= near) continue
      s = 0
      a = from
      b = j * depth
      for (const end = b + depth; b < end && s < near; a += 4, b += 4) {
        const d0 = x[a]! - centres[b]!
        const d1 = x[a + 1]! - centres[b + 1]!
        const d2 = x[a + 2]! - centres[b + 2]!
        const d3 = x[a + 3]! - centres[b + 3]!
        s += d0 * d0 + d1 * d1 + (d2 * d2 + d3 * d3)
      }
      if (s < near) near = s
    }
    nearest[p] = near
    seen[p] = j
  }
  /** The row whose distance to the first m chosen is the largest. */
  const farthest = (m: number): number => {
    for (;;) {
      const p = heap[0] as number
      if (seen[p] === m) return p
      const [a, b] = [heap[1], heap[2]]
      update(p, m, Math.max(a === undefined ? 0 : nearest[a]!, b === undefined ? 0 : nearest[b]!))
      siftDown(heap, nearest)
    }
  }

  let m = 0
  for (; m < most; m++) {
    const p = m === 0 ? random.integer(rows) : farthest(m)
    if (nearest[p] === 0) break
    chosen[m] = p
    radii[m] = Math.sqrt(nearest[p] as number)
    centres.set(x.subarray(p * depth, (p + 1) * depth), m * depth)
    centreKeys.set(keys.subarray(p * width, (p + 1) * width), m * width)
    if (m % 64 === 63) onChosen?.(m + 1)
  }
  onChosen?.(m)
  return { chosen: chosen.slice(0, m), radii: radii.slice(0, m) }
}

/** Rows of vectors [n, D], in that order. */
export function rowsAt(vectors: Tensor<'float32'>, rows: Int32Array): Tensor<'float32'> {
  const depth = vectors.shape[1] as number
  const data = new Float32Array(rows.length * depth)
  rows.forEach((row, i) =>
    data.set(vectors.data.subarray(row * depth, (row + 1) * depth), i * depth),
  )
  return tensor('float32', [rows.length, depth], data)
}

/**
 * Collects vectors that a coreset is chosen from: so many of all images at random, about equally many of each.
 * @param count vectors in all @param images as many as will be added
 */
export function vectorDraw(count: number, depth: number, images: number, random: Random) {
  const vectors = tensor('float32', [count, depth], new Float32Array(count * depth))
  let [at, image] = [0, 0]
  return {
    /** [count, D]; complete when all images are added. */
    vectors,
    /** @param rows all vectors of an image, [area, D] */
    add(rows: Float32Array): void {
      const until = Math.floor((count * ++image) / images)
      for (const row of random.permutation(rows.length / depth).subarray(0, until - at))
        vectors.data.set(rows.subarray(row * depth, (row + 1) * depth), at++ * depth)
    },
  }
}

/** Restore the heap's order, the largest key first, after the key of its first element became smaller. */
function siftDown(heap: Int32Array, keys: Float64Array): void {
  const moved = heap[0] as number
  const key = keys[moved] as number
  let at = 0
  for (;;) {
    let child = 2 * at + 1
    if (child >= heap.length) break
    if (child + 1 < heap.length && keys[heap[child + 1]!]! > keys[heap[child]!]!) child++
    if (keys[heap[child]!]! <= key) break
    heap[at] = heap[child]!
    at = child
  }
  heap[at] = moved
}

/**
 * A very sparse random projection (Li, Hastie & Church 2006), which keeps distances as Johnson and Lindenstrauss say:
 * of √D entries of the matrix one is not zero. Vectors that are short already stay as they are.
 */
function project(vectors: Tensor<'float32'>, to: number, random: Random): Tensor<'float32'> {
  const { data, shape } = vectors
  const [rows, depth] = shape as readonly [number, number]
  if (depth <= 2 * to) return vectors
  const sparsity = Math.sqrt(depth)
  const size = Math.sqrt(sparsity / to)
  /** Entries of the matrix, row by row: column and value. */
  const entries = Array.from({ length: depth }, () => {
    const columns: number[] = []
    const values: number[] = []
    for (let j = 0; j < to; j++) {
      if (random.next() * sparsity >= 1) continue
      columns.push(j)
      values.push(random.next() < 0.5 ? -size : size)
    }
    return [columns, values] as const
  })
  const projected = new Float32Array(rows * to)
  const sum = new Float64Array(to)
  for (let i = 0; i < rows; i++) {
    sum.fill(0)
    for (let d = 0; d < depth; d++) {
      const v = data[i * depth + d]!
      const [columns, values] = entries[d]!
      for (let e = 0; e < columns.length; e++) sum[columns[e]!]! += v * values[e]!
    }
    projected.set(sum, i * to)
  }
  return tensor('float32', [rows, to], projected)
}

/** Vectors with zeros behind them, up to a multiple of four. */
function padded({ data, shape }: Tensor<'float32'>): Float32Array {
  const [rows, depth] = shape as readonly [number, number]
  if (depth % 4 === 0) return data
  const length = 4 * Math.ceil(depth / 4)
  const longer = new Float32Array(rows * length)
  for (let i = 0; i < rows; i++) longer.set(data.subarray(i * depth, (i + 1) * depth), i * length)
  return longer
}

/** Directions of the bound, and vectors that they are taken from. */
const [directions, sampled] = [16, 2000]

/**
 * Short vectors whose distances are never more than those of the vectors: what of a vector lies in some orthonormal
 * directions (those of the largest variance, nearly), and the length of the rest.
 * @param x [n, depth]
 * @returns [n, width]
 */
function boundKeys(x: Float32Array, depth: number, random: Random) {
  const rows = x.length / depth
  const count = depth > 2 * directions ? directions : 0
  const step = Math.max(1, Math.floor(rows / sampled))
  const mean = new Float64Array(depth)
  let samples = 0
  for (let i = 0; i < rows; i += step, samples++)
    for (let d = 0; d < depth; d++) mean[d]! += x[i * depth + d]!
  for (let d = 0; d < depth; d++) mean[d]! /= samples

  const scatter = new Float64Array(count && depth * depth)
  const z = new Float64Array(depth)
  const centre = (i: number): number => {
    let square = 0
    for (let d = 0; d < depth; d++) {
      const v = x[i * depth + d]! - mean[d]!
      z[d] = v
      square += v * v
    }
    return square
  }
  for (let i = 0; count > 0 && i < rows; i += step) {
    centre(i)
    for (let d = 0; d < depth; d++)
      for (let e = 0; e < depth; e++) scatter[d * depth + e]! += z[d]! * z[e]!
  }
  const basis = leadingDirections(scatter, depth, count, random)

  const width = count + 1
  const keys = new Float64Array(rows * width)
  for (let i = 0; i < rows; i++) {
    let rest = centre(i)
    basis.forEach((direction, k) => {
      let dot = 0
      for (let d = 0; d < depth; d++) dot += direction[d]! * z[d]!
      keys[i * width + k + 1] = dot
      rest -= dot * dot
    })
    keys[i * width] = Math.sqrt(Math.max(rest, 0))
  }
  return { keys, width }
}

/** Orthonormal directions near the leading eigenvectors of a symmetric matrix: a few steps of orthogonal iteration. */
function leadingDirections(
  matrix: Float64Array,
  n: number,
  count: number,
  random: Random,
): readonly Float64Array[] {
  let basis = Array.from({ length: count }, () =>
    Float64Array.from({ length: n }, () => random.normal()),
  )
  for (let step = 0; step < 8; step++)
    basis = orthonormal(
      basis.map((v) =>
        v.map((_, i) => {
          let sum = 0
          for (let j = 0; j < n; j++) sum += matrix[i * n + j]! * v[j]!
          return sum
        }),
      ),
    )
  return basis
}

/** Gram–Schmidt, twice over; a vector that depends on those before it becomes zero. */
function orthonormal(vectors: readonly Float64Array[]) {
  const basis: Float64Array<ArrayBuffer>[] = []
  for (const vector of vectors) {
    const v = Float64Array.from(vector)
    const length = norm(v)
    for (let twice = 0; twice < 2; twice++)
      for (const u of basis) {
        let dot = 0
        for (let i = 0; i < v.length; i++) dot += u[i]! * v[i]!
        for (let i = 0; i < v.length; i++) v[i]! -= dot * u[i]!
      }
    const left = norm(v)
    const scale = left > 1e-9 * length ? 1 / left : 0
    basis.push(v.map((a) => a * scale))
  }
  return basis
}

const norm = (v: Float64Array): number => Math.sqrt(v.reduce((sum, a) => sum + a * a, 0))

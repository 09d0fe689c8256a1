import { tensor, type Tensor } from '@cflow/base'
import {
  add,
  constant,
  gemm,
  max,
  min,
  reduceMin,
  reduceSumSquare,
  scalar,
  split,
  sqrt,
  sub,
  type Value,
} from '@cflow/graph'

/** Vectors that a detector file remembers, as constants of its graph. */
export interface Memory {
  /** What is subtracted of every vector, so that rounding takes little of short distances: their mean, [1, D]. */
  readonly origin: Value
  /** The vectors less the origin, [M, D]. */
  readonly vectors: Value
  /** Their squared lengths, [1, M]. */
  readonly squares: Value
}

/** @param vectors [M, D] @param name what the constants are called in the file */
export function memoryOf(vectors: Tensor<'float32'>, name: string): Memory {
  const { data, shape } = vectors
  const [rows, depth] = shape as readonly [number, number]
  const mean = new Float64Array(depth)
  data.forEach((v, i) => (mean[i % depth]! += v / rows))
  const origin = Float32Array.from(mean)
  const moved = data.map((v, i) => v - origin[i % depth]!)
  const squares = new Float64Array(rows)
  moved.forEach((v, i) => (squares[Math.floor(i / depth)]! += v * v))
  return {
    origin: constant(tensor('float32', [1, depth], origin), `${name}.origin`),
    vectors: constant(tensor('float32', [rows, depth], moved), `${name}.vectors`),
    squares: constant(tensor('float32', [1, rows], Float32Array.from(squares)), `${name}.squares`),
  }
}

/** Vectors of the memory in one product: [R, 1024] distances are to stay in a processor's cache. */
const chunk = 1024

/**
 * Distance of every query to the nearest vector of a memory: products with parts of the memory, so that no more than
 * R × 1024 distances are there at a time.
 * @param queries [R, D], less the memory's origin (`centred`)
 * @returns [R, 1]
 */
export function nearestDistances(queries: Value, { vectors, squares }: Memory): Value {
  const rows = vectors.shape[0] as number
  const sizes = Array.from({ length: Math.ceil(rows / chunk) }, (_, i) =>
    Math.min(chunk, rows - i * chunk),
  )
  const lengths = split(squares, sizes, 1)
  const nearest = split(vectors, sizes, 0)
    .map((part, i) => reduceMin(partialSquares(queries, part, lengths[i] as Value), [1], true))
    .reduce(min)
  const squared = add(nearest, reduceSumSquare(queries, [1], true))
  return sqrt(max(squared, scalar(0)))
}

/** Vectors [R, D] less a memory's origin. */
export const centred = (queries: Value, memory: Memory): Value => sub(queries, memory.origin)

/**
 * Squared distances of queries to every vector of a memory, but for the queries' own squared length: they put the memory
 * in the same order as the distances.
 * @param queries [R, D], centred
 * @returns [R, M]
 */
export const orderOfMemory = (queries: Value, { vectors, squares }: Memory): Value =>
  partialSquares(queries, vectors, squares)

/** ‖b‖² − 2·aᵀb = ‖a − b‖² − ‖a‖² */
const partialSquares = (a: Value, b: Value, squares: Value): Value =>
  gemm(a, b, { c: squares, transB: true, alpha: -2 })

/**
 * A memory as it was given to `memoryOf`, from the constants of a file; undefined where there is none of that name.
 * @returns [M, D]
 */
export function readMemory(
  constants: ReadonlyMap<string, Tensor>,
  name: string,
): Tensor<'float32'> | undefined {
  const origin = constants.get(`${name}.origin`)?.data as Float32Array | undefined
  const vectors = constants.get(`${name}.vectors`) as Tensor<'float32'> | undefined
  if (!origin || !vectors) return undefined
  const data = vectors.data.map((v, i) => v + (origin[i % origin.length] as number))
  return { ...vectors, data }
}

import { CflowError, type Random } from '@cflow/base'

/** Dense float64 linear algebra on row-major arrays: only what the flow's start needs. */

/**
 * Lower Cholesky factor L of a symmetric positive definite matrix, A = L·Lᵀ.
 * @param a [n, n], only the lower triangle is read
 * @throws CflowError SHAPE when A is not positive definite
 */
export function cholesky(a: Float64Array, n: number): Float64Array {
  const l = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let s = a[i * n + j]!
      const ri = i * n
      const rj = j * n
      for (let k = 0; k < j; k++) s -= l[ri + k]! * l[rj + k]!
      if (i === j) {
        if (!(s > 0) || !Number.isFinite(s))
          throw new CflowError(
            'SHAPE',
            `the covariance is not positive definite (pivot ${i}: ${s})`,
          )
        l[ri + i] = Math.sqrt(s)
      } else l[ri + j] = s / l[rj + j]!
    }
  }
  return l
}

/** Inverse of a lower triangular matrix [n, n], lower triangular again. */
export function invertLower(l: Float64Array, n: number): Float64Array {
  const x = new Float64Array(n * n)
  for (let i = 0; i < n; i++) {
    const d = 1 / l[i * n + i]!
    for (let k = 0; k < i; k++) {
      const f = -d * l[i * n + k]!
      if (f === 0) continue
      // row i of the inverse collects −d·L[i,k]·(row k), whose last entry is in column k
      for (let j = 0; j <= k; j++) x[i * n + j]! += f * x[k * n + j]!
    }
    x[i * n + i] = d
  }
  return x
}

export function transposed(a: ArrayLike<number>, rows: number, columns: number): Float64Array {
  const t = new Float64Array(rows * columns)
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < columns; j++) t[j * rows + i] = a[i * columns + j]!
  return t
}

/** A·B for row-major [m, k] and [k, n]. */
export function product(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  m: number,
  k: number,
  n: number,
): Float64Array {
  const c = new Float64Array(m * n)
  for (let i = 0; i < m; i++)
    for (let p = 0; p < k; p++) {
      const f = a[i * k + p]!
      if (f === 0) continue
      for (let j = 0; j < n; j++) c[i * n + j]! += f * b[p * n + j]!
    }
  return c
}

/**
 * A rotation drawn from the Haar measure on SO(n): Householder QR of a Gaussian matrix with the signs of R's diagonal
 * moved into Q (Mezzadri 2007), one column flipped if the determinant is −1.
 */
export function haarRotation(n: number, random: Random): Float64Array {
  // columns of the Gaussian matrix, stored as rows
  const a = Float64Array.from({ length: n * n }, () => random.normal())
  const q = new Float64Array(n * n)
  for (let i = 0; i < n; i++) q[i * n + i] = 1
  let determinant = 1
  const signs = new Float64Array(n)
  const v = new Float64Array(n)
  for (let k = 0; k < n; k++) {
    let norm = 0
    for (let i = k; i < n; i++) norm += a[k * n + i]! ** 2
    norm = Math.sqrt(norm)
    const head = a[k * n + k]!
    const alpha = head > 0 ? -norm : norm
    signs[k] = Math.sign(alpha) || 1
    v.fill(0)
    let vv = 0
    for (let i = k; i < n; i++) {
      v[i] = a[k * n + i]! - (i === k ? alpha : 0)
      vv += v[i]! ** 2
    }
    if (vv > 0 && k < n - 1) {
      determinant = -determinant
      reflect(a, v, vv, n, k)
      reflect(q, v, vv, n, 0)
    } else signs[k] = Math.sign(head) || 1
  }
  // rows of q are now those of H_{n−1}…H_0 applied to unit vectors: Qᵀ by columns, so q[j] is row j of Q
  for (let k = 0; k < n; k++) {
    if (signs[k]! < 0) determinant = -determinant
    for (let i = 0; i < n; i++) q[i * n + k]! *= signs[k]!
  }
  if (determinant < 0) for (let i = 0; i < n; i++) q[i * n]! *= -1
  return q
}

/** Apply I − 2vvᵀ/‖v‖² to every row from `from` on. */
function reflect(rows: Float64Array, v: Float64Array, vv: number, n: number, from: number): void {
  for (let r = from; r < n; r++) {
    let dot = 0
    for (let i = 0; i < n; i++) dot += rows[r * n + i]! * v[i]!
    const f = (2 * dot) / vv
    if (f !== 0) for (let i = 0; i < n; i++) rows[r * n + i]! -= f * v[i]!
  }
}

/**
 * Eigenvalues of a symmetric matrix, descending: Householder reduction to tridiagonal form, then QL with implicit shifts
 * (Golub & Van Loan, sections 8.3 and 8.4). O(n³), no eigenvectors.
 * @param matrix [n, n], both triangles
 */
export function eigenvalues(matrix: Float64Array, n: number): Float64Array {
  const { diagonal, offDiagonal } = tridiagonal(matrix.slice(), n)
  implicitQl(diagonal, offDiagonal)
  return diagonal.sort().reverse()
}

interface Tridiagonal {
  readonly diagonal: Float64Array
  /** Element i couples i and i + 1; the last one is 0. */
  readonly offDiagonal: Float64Array
}

/** Columns are eliminated one after the other: A ← (I − βvvᵀ)·A·(I − βvvᵀ) on what remains. Overwrites `a`. */
function tridiagonal(a: Float64Array, n: number): Tridiagonal {
  const offDiagonal = new Float64Array(n)
  const v = new Float64Array(n)
  const p = new Float64Array(n)
  for (let k = 0; k + 1 < n; k++) {
    let norm = 0
    for (let i = k + 1; i < n; i++) norm += a[i * n + k]! ** 2
    norm = Math.sqrt(norm)
    const head = a[(k + 1) * n + k]!
    const alpha = head > 0 ? -norm : norm
    offDiagonal[k] = alpha
    if (norm === 0) continue
    for (let i = k + 1; i < n; i++) v[i] = a[i * n + k]!
    v[k + 1]! -= alpha
    const beta = 1 / (norm * (norm + Math.abs(head)))
    let vp = 0
    for (let i = k + 1; i < n; i++) {
      let dot = 0
      for (let j = k + 1; j < n; j++) dot += a[i * n + j]! * v[j]!
      p[i] = beta * dot
      vp += p[i]! * v[i]!
    }
    for (let i = k + 1; i < n; i++) p[i]! -= 0.5 * beta * vp * v[i]!
    for (let i = k + 1; i < n; i++)
      for (let j = k + 1; j < n; j++) a[i * n + j]! -= v[i]! * p[j]! + p[i]! * v[j]!
  }
  return { diagonal: Float64Array.from({ length: n }, (_, i) => a[i * n + i]!), offDiagonal }
}

/** Drives the off-diagonal to zero; the diagonal becomes the eigenvalues, in no order. */
function implicitQl(d: Float64Array, e: Float64Array): void {
  const n = d.length
  for (let l = 0; l < n; l++)
    for (;;) {
      let m = l
      while (
        m + 1 < n &&
        Math.abs(e[m]!) > Number.EPSILON * (Math.abs(d[m]!) + Math.abs(d[m + 1]!))
      )
        m++
      if (m === l) break
      let g = (d[l + 1]! - d[l]!) / (2 * e[l]!)
      let r = Math.hypot(g, 1)
      g = d[m]! - d[l]! + e[l]! / (g + (g < 0 ? -r : r))
      let [s, c, shift] = [1, 1, 0]
      let i = m - 1
      for (; i >= l; i--) {
        const f = s * e[i]!
        const b = c * e[i]!
        r = Math.hypot(f, g)
        e[i + 1] = r
        if (r === 0) {
          d[i + 1]! -= shift
          e[m] = 0
          break
        }
        s = f / r
        c = g / r
        g = d[i + 1]! - shift
        r = (d[i]! - g) * s + 2 * c * b
        shift = s * r
        d[i + 1] = g + shift
        g = c * r - b
      }
      if (r === 0 && i >= l) continue
      d[l]! -= shift
      e[l] = g
      e[m] = 0
    }
}

/** How many of the largest eigenvalues hold the given share of their sum: principal components to keep. */
export function componentsFor(values: Float64Array, share: number): number {
  const total = values.reduce((sum, v) => sum + Math.max(v, 0), 0)
  let held = 0
  const index = values.findIndex((v) => (held += Math.max(v, 0)) >= share * total)
  return index < 0 ? values.length : index + 1
}

const iterations = 60

/**
 * The mean and the two leading principal directions of vectors, by power iteration (orthogonalised in each step).
 * @returns a projection of other vectors onto them, in pairs
 */
export function principalPlane(vectors: readonly Float32Array[]) {
  const depth = vectors[0]?.length ?? 0
  const mean = new Float64Array(depth)
  for (const x of vectors) for (let c = 0; c < depth; c++) mean[c]! += x[c]! / vectors.length
  const along = (x: Float32Array, v: Float64Array): number => {
    let sum = 0
    for (let c = 0; c < depth; c++) sum += v[c]! * (x[c]! - mean[c]!)
    return sum
  }
  const covarianceTimes = (v: Float64Array): Float64Array => {
    const out = new Float64Array(depth)
    for (const x of vectors) {
      const dot = along(x, v)
      for (let c = 0; c < depth; c++) out[c]! += dot * (x[c]! - mean[c]!)
    }
    return out
  }
  const found: Float64Array[] = []
  for (let k = 0; k < 2; k++) {
    // any start that is not orthogonal to the direction will do
    let v = normal(Float64Array.from(mean, (_, c) => Math.sin(1 + c * (k + 1))))
    for (let i = 0; i < iterations; i++) v = normal(orthogonal(covarianceTimes(v), found))
    found.push(v)
  }
  return (others: readonly Float32Array[]): [number, number][] =>
    others.map((x) => [along(x, found[0]!), along(x, found[1]!)])
}

function orthogonal(v: Float64Array, to: readonly Float64Array[]): Float64Array {
  for (const u of to) {
    const dot = v.reduce((s, x, i) => s + x * u[i]!, 0)
    v = v.map((x, i) => x - dot * u[i]!)
  }
  return v
}

function normal(v: Float64Array): Float64Array {
  const length = Math.sqrt(v.reduce((s, x) => s + x * x, 0)) || 1
  return v.map((x) => x / length)
}

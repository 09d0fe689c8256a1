/** Rows [n, depth]. */
export interface Rows {
  readonly data: Float32Array
  readonly depth: number
}

const iterations = 60

/**
 * The mean and the two leading principal directions of rows, by power iteration (orthogonalised in each step).
 * @returns a projection of other rows onto them, in pairs
 */
export function principalPlane({ data, depth }: Rows): (rows: Rows) => [number, number][] {
  const count = data.length / depth
  const mean = new Float64Array(depth)
  for (let r = 0; r < count; r++) for (let c = 0; c < depth; c++) mean[c]! += data[r * depth + c]! / count // prettier-ignore
  const found: Float64Array[] = []
  for (let k = 0; k < 2; k++) {
    // any start that is not orthogonal to the direction will do
    let v = normal(Float64Array.from(mean, (_, c) => Math.sin(1 + c * (k + 1))))
    for (let i = 0; i < iterations; i++) v = normal(orthogonal(covarianceTimes(v), found))
    found.push(v)
  }
  return (rows) =>
    Array.from({ length: rows.data.length / depth }, (_, r) => {
      const at = (v: Float64Array) => {
        let sum = 0
        for (let c = 0; c < depth; c++) sum += v[c]! * (rows.data[r * depth + c]! - mean[c]!)
        return sum
      }
      return [at(found[0]!), at(found[1]!)]
    })

  function covarianceTimes(v: Float64Array): Float64Array {
    const out = new Float64Array(depth)
    for (let r = 0; r < count; r++) {
      let dot = 0
      for (let c = 0; c < depth; c++) dot += (data[r * depth + c]! - mean[c]!) * v[c]!
      for (let c = 0; c < depth; c++) out[c]! += dot * (data[r * depth + c]! - mean[c]!)
    }
    return out
  }
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

/** Ranks from 1; equal values share the mean of their ranks. */
function ranks(values: readonly number[]): number[] {
  const order = values.map((_, i) => i).sort((a, b) => values[a]! - values[b]!)
  const out = new Array<number>(values.length)
  for (let from = 0; from < order.length;) {
    let to = from
    while (to < order.length && values[order[to]!] === values[order[from]!]) to++
    for (let k = from; k < to; k++) out[order[k]!] = (from + to + 1) / 2
    from = to
  }
  return out
}

/**
 * Spearman's rank correlation: 1 when two lists order the same things alike. 1 for lists without any spread that are
 * alike in it, 0 when only one of them has none.
 */
export function spearman(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [ranks(a), ranks(b)]
  const mean = (a.length + 1) / 2
  let [xy, xx, yy] = [0, 0, 0]
  x.forEach((r, i) => {
    const [dx, dy] = [r - mean, y[i]! - mean]
    xy += dx * dy
    xx += dx * dx
    yy += dy * dy
  })
  if (xx === 0 && yy === 0) return 1
  return xx === 0 || yy === 0 ? 0 : xy / Math.sqrt(xx * yy)
}

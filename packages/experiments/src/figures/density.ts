/** Density of the length of a standard normal vector of so many dimensions (χ). */
export function chi(length: number, depth: number): number {
  if (length <= 0) return 0
  const logarithm =
    (depth - 1) * Math.log(length) -
    length ** 2 / 2 -
    (depth / 2 - 1) * Math.LN2 -
    logGamma(depth / 2)
  return Math.exp(logarithm)
}

/** ln Γ(x) for x > 0: Stirling's series after moving x to 10 and above. */
export function logGamma(x: number): number {
  let shift = 0
  while (x < 10) shift += Math.log(x++)
  const series = 1 / (12 * x) - 1 / (360 * x ** 3) + 1 / (1260 * x ** 5)
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + series - shift
}

/** Values of a density in the middle of bins. */
export const sampled = (
  density: (x: number) => number,
  low: number,
  high: number,
  bins: number,
): readonly number[] =>
  Array.from({ length: bins }, (_, i) => density(low + ((i + 0.5) * (high - low)) / bins))

/** Shares of values in bins between two borders, as a density; values beyond are left out. */
export function binned(
  values: ArrayLike<number>,
  low: number,
  high: number,
  bins: number,
): number[] {
  const counts = new Array<number>(bins).fill(0)
  for (let i = 0; i < values.length; i++) {
    const bin = Math.floor((((values[i] as number) - low) / (high - low)) * bins)
    if (bin >= 0 && bin < bins) counts[bin]! += 1
  }
  const area = (values.length * (high - low)) / bins
  return counts.map((c) => c / Math.max(area, 1e-12))
}

/** 0 of no values. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) * share)] ?? 0
}

/** Smallest of 1, 2 and 5 times a power of ten that is not below `value`. */
export function niceStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value))
  for (const factor of [1, 2, 5]) if (factor * power >= value * (1 - 1e-9)) return factor * power
  return 10 * power
}

/** Multiples of a nice step within [low, high]: at most `count` + 1 of them. */
export function linearTicks(low: number, high: number, count: number): number[] {
  if (!(high > low) || !Number.isFinite(high - low)) return [low]
  const step = niceStep((high - low) / count)
  const first = Math.ceil(low / step - 1e-9)
  const last = Math.floor(high / step + 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => tidy((first + i) * step, step))
}

/** Ticks of a logarithmic axis: powers of ten, with 2 and 5 times them (or as 1, 2, 5) while there are few decades. */
export function logTicks(low: number, high: number, count: number): number[] {
  for (const factors of [[1, 2, 5], [1, 3], [1]]) {
    const ticks = logMultiples(low, high, factors)
    if (ticks.length <= count + 1 && ticks.length >= 2) return ticks
  }
  const decades = logMultiples(low, high, [1])
  const keep = Math.ceil(decades.length / (count + 1))
  return decades.length >= 2
    ? decades.filter((_, i) => i % keep === 0)
    : linearTicks(low, high, count)
}

function logMultiples(low: number, high: number, factors: readonly number[]): number[] {
  const ticks: number[] = []
  const first = Math.floor(Math.log10(low))
  const last = Math.floor(Math.log10(high) + 1e-9)
  for (let k = first; k <= last; k++)
    for (const factor of factors) {
      const tick = tidy(factor * 10 ** k, 10 ** k)
      if (tick >= low * (1 - 1e-9) && tick <= high * (1 + 1e-9)) ticks.push(tick)
    }
  return ticks
}

/** Without the last bits that a multiplication leaves behind (0.30000000000000004). */
function tidy(value: number, step: number): number {
  const digits = Math.max(0, 1 - Math.floor(Math.log10(step)))
  return digits > 100 ? value : Number(value.toFixed(digits))
}

/** Labels of ticks, all with as many decimals as the closest two need. */
export function tickLabels(ticks: readonly number[]): string[] {
  const largest = Math.max(...ticks.map(Math.abs))
  const short = ticks.map(scientific)
  const distinct = new Set(short).size === ticks.length
  if (distinct && (largest >= 1e6 || (largest > 0 && largest < 1e-4))) return short
  const gaps = ticks.slice(1).map((t, i) => Math.abs(t - ticks[i]!))
  const tolerance = 1e-3 * (Math.min(...gaps, Infinity) < Infinity ? Math.min(...gaps) : largest)
  let decimals = 0
  while (decimals < 8 && ticks.some((t) => Math.abs(Number(t.toFixed(decimals)) - t) > tolerance))
    decimals++
  return ticks.map((t) =>
    t
      .toLocaleString('en-US', { minimumFractionDigits: decimals, maximumFractionDigits: decimals })
      .replace(/^-(?=0(\.0*)?$)/, '')
      .replace(/^-/, '−'),
  )
}

function scientific(value: number): string {
  if (value === 0) return '0'
  const power = Math.floor(Math.log10(Math.abs(value)) + 1e-9)
  return `${Number((value / 10 ** power).toFixed(2))}e${power}`.replaceAll('-', '−')
}

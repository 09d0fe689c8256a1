/** From values to positions along an axis. */
export interface Scale {
  readonly kind: 'linear' | 'log' | 'root'
  readonly low: number
  readonly high: number
  readonly ticks: readonly { readonly value: number; readonly label: string }[]
  /** 0 at `low`, 1 at `high`; values outside are held at the ends. */
  at(value: number): number
}

export interface ScaleOptions {
  /** About how many ticks; 5 unless given. */
  readonly count?: number
  /** Labels of the ticks. */
  readonly format?: (value: number) => string
}

export function linearScale(low: number, high: number, options: ScaleOptions = {}): Scale {
  if (!(high > low)) {
    const room = Math.abs(low) * 0.05 || 0.5
    ;[low, high] = [low - room, low + room]
  }
  const ticks = linearTicks(low, high, options.count ?? 5)
  return scaleOf('linear', low, high, ticks, (v) => v, options)
}

/** @param low above 0 */
export function logScale(low: number, high: number, options: ScaleOptions = {}): Scale {
  ;[low, high] = high > low ? [low, high] : [low / 2, low * 2]
  const ticks = logTicks(low, high, options.count ?? 5)
  return scaleOf('log', low, high, ticks, (v) => Math.log(Math.max(v, Number.MIN_VALUE)), options)
}

/** Square-root scale from 0, for densities whose peaks are of very different heights. */
export function rootScale(high: number): Scale {
  return scaleOf('root', 0, high > 0 ? high : 1, [], (v) => Math.sqrt(Math.max(0, v)), {})
}

/**
 * A scale for scores that are all to be seen, with some room at the ends: logarithmic when they are positive and a
 * linear axis would squeeze most of them into its first fifth.
 */
export function scoreScale(values: ArrayLike<number>, options: ScaleOptions = {}): Scale {
  const sorted = Float64Array.from(values).filter(Number.isFinite).sort()
  if (sorted.length === 0) return linearScale(0, 1, options)
  const min = sorted[0]!
  const max = sorted.at(-1)!
  const middle = sorted[Math.floor((sorted.length - 1) * 0.6)]!
  if (min > 0 && max / min > 10 && middle - min < 0.2 * (max - min)) {
    const room = (max / min) ** 0.04
    return logScale(min / room, max * room, options)
  }
  const room = (max - min) * 0.04
  return linearScale(min - room, max + room, options)
}

function scaleOf(
  kind: Scale['kind'],
  low: number,
  high: number,
  ticks: readonly number[],
  transform: (value: number) => number,
  { format }: ScaleOptions,
): Scale {
  const from = transform(low)
  const span = transform(high) - from
  const labels = format ? ticks.map(format) : tickLabels(ticks)
  return {
    kind,
    low,
    high,
    ticks: ticks.map((value, i) => ({ value, label: labels[i]! })),
    at: (value) => Math.min(1, Math.max(0, (transform(value) - from) / span)),
  }
}

/** Multiples of 1, 2 or 5 times a power of ten within [low, high]: at most `count` + 1 of them. */
export function linearTicks(low: number, high: number, count: number): number[] {
  if (!(high > low) || !Number.isFinite(high - low)) return [low]
  const min = (high - low) / count
  const power = 10 ** Math.floor(Math.log10(min))
  const step = power * ([1, 2, 5].find((factor) => factor * power >= min * (1 - 1e-9)) ?? 10)
  const first = Math.ceil(low / step - 1e-9)
  const last = Math.floor(high / step + 1e-9)
  return Array.from({ length: last - first + 1 }, (_, i) => tidy((first + i) * step, step))
}

/** Ticks of a logarithmic axis: powers of ten, with 2 and 5 times them (or as 1, 2, 5) while there are few decades. */
export function logTicks(low: number, high: number, count: number): number[] {
  const multiples = [[1, 2, 5], [1, 3], [1]].map((factors) => logMultiples(low, high, factors))
  const fitting = multiples.find((ticks) => ticks.length <= count + 1 && ticks.length >= 2)
  if (fitting) return fitting
  const decades = multiples.at(-1)!
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
  const gap = Math.min(...ticks.slice(1).map((t, i) => Math.abs(t - ticks[i]!)))
  const tolerance = 1e-3 * (gap < Infinity ? gap : largest)
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

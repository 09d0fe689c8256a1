import { linearTicks, logTicks, tickLabels } from './ticks.js'

export interface Tick {
  readonly value: number
  readonly label: string
}

/** From values to positions along an axis. */
export interface Scale {
  readonly kind: 'linear' | 'log' | 'root'
  readonly low: number
  readonly high: number
  readonly ticks: readonly Tick[]
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
  ;[low, high] = widen(low, high)
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
  const least = sorted[0]!
  const most = sorted.at(-1)!
  const middle = sorted[Math.floor((sorted.length - 1) * 0.6)]!
  if (least > 0 && most / least > 10 && middle - least < 0.2 * (most - least)) {
    const room = (most / least) ** 0.04
    return logScale(least / room, most * room, options)
  }
  const room = (most - least) * 0.04
  return linearScale(least - room, most + room, options)
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

function widen(low: number, high: number): [number, number] {
  if (high > low) return [low, high]
  const room = Math.abs(low) * 0.05 || 0.5
  return [low - room, low + room]
}

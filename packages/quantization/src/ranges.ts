import type { ByteScale, Value } from '@cflow/graph'

/** Smallest and largest value of a tensor that quantisation keeps apart; what lies outside saturates. */
export interface Range {
  readonly low: number
  readonly high: number
}

export type Ranges = ReadonlyMap<Value, Range>

/** The byte scale of a range, widened to hold 0 (padding and ReLU need it exactly). */
export function byteScale({ low, high }: Range): ByteScale {
  const [lo, hi] = [Math.min(low, 0), Math.max(high, 0)]
  const scale = Math.fround(Math.max((hi - lo) / 255, 1e-20))
  return { scale, zero: Math.min(Math.max(Math.round(-lo / scale), 0), 255) }
}

/** A range with both ends moved away from (or towards) 0. */
export const scaled = ({ low, high }: Range, by: number): Range => ({
  low: low * by,
  high: high * by,
})

/** A number with three digits, as people read it. */
export const short = (value: number): string => String(Number(value.toPrecision(3)))

/** A share of 1 in per cent. */
export const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`

/** Seconds as "12 s" or "3 min". */
export const duration = (seconds: number): string =>
  seconds < 90 ? `${Math.max(1, Math.round(seconds))} s` : `${Math.round(seconds / 60)} min`

/** "1 image", "3 images". */
export const count = (n: number, noun: string): string => `${n} ${noun}${n === 1 ? '' : 's'}`

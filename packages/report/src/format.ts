/** Shown where there is no number. */
export const dash = '–'

/** A rate in 0..1 as a percentage; a dash when it is not a number. */
export function percent(rate: number, decimals = 1): string {
  return Number.isFinite(rate) ? `${(rate * 100).toFixed(decimals)}\u00a0%` : dash
}

/** A number with about `digits` significant digits and thousands separated: 1,234, 12.3, 0.0123. */
export function number(value: number, digits = 3): string {
  if (!Number.isFinite(value)) return dash
  if (value === 0) return '0'
  const size = Math.abs(value)
  if (size >= 1e9 || size < 1e-4) return minus(value.toExponential(Math.max(0, digits - 1)))
  const decimals = Math.min(8, Math.max(0, digits - 1 - Math.floor(Math.log10(size))))
  return minus(
    value.toLocaleString('en-US', {
      minimumFractionDigits: decimals,
      maximumFractionDigits: decimals,
    }),
  )
}

/** A size in bytes in decimal units, as file managers show it. */
export function bytes(count: number): string {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB']
  let unit = 0
  while (count >= 999.5 && unit < units.length - 1) {
    count /= 1000
    unit++
  }
  return `${unit === 0 ? count : number(count)} ${units[unit]!}`
}

/** A duration: 0.42 s, 12.3 s, 4 min 05 s, 2 h 07 min. */
export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return dash
  if (seconds < 1) return `${number(seconds, 2)} s`
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`
  const whole = Math.round(seconds)
  const two = (n: number) => String(n).padStart(2, '0')
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
  const minutes = Math.round(whole / 60)
  return `${Math.floor(minutes / 60).toLocaleString('en-US')} h ${two(minutes % 60)} min`
}

/** "1 image", "1,200 images". */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en-US')} ${n === 1 ? one : many}`
}

/** At most `length` characters; the last is an ellipsis when something is left out. */
export function shorten(text: string, length: number): string {
  const characters = [...text]
  return characters.length <= length ? text : `${characters.slice(0, length - 1).join('')}…`
}

/** With a true minus sign. */
function minus(text: string): string {
  return text.replace(/^-/, '−')
}

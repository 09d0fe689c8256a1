import type { Progress, Stage } from '@cflow/trainer'

const names: Readonly<Record<Stage, string>> = {
  decode: 'decode',
  read: 'read images',
  encode: 'encode',
  whiten: 'whiten',
  train: 'train',
  calibrate: 'calibrate',
  evaluate: 'evaluate',
}

/** 95 → '1:35', 3700 → '1:01:40' */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.round(seconds))
  const two = (n: number) => String(n).padStart(2, '0')
  const minutes = Math.floor(s / 60) % 60
  return s < 3600
    ? `${Math.floor(s / 60)}:${two(s % 60)}`
    : `${Math.floor(s / 3600)}:${two(minutes)}:${two(s % 60)}`
}

/** 12345 → '12k' */
export function quantity(n: number): string {
  if (n >= 1e6) return `${(n / 1e6).toFixed(1)}M`
  if (n >= 1e4) return `${Math.round(n / 1e3)}k`
  return n >= 10 ? String(Math.round(n)) : n.toFixed(1)
}

/**
 * Progress as one line: stage, pass or images, loss of every scale, rate, time left.
 * @param vectorsPerPass feature vectors of one pass, for the rate of training
 */
export function progressLine(p: Progress, vectorsPerPass: number): string {
  const parts = [names[p.stage].padEnd(11)]
  if (p.stage === 'train') {
    const pass = Math.min(p.total, Math.floor(p.done) + (p.done >= p.total ? 0 : 1))
    parts.push(`pass ${pass}/${p.total}`, `${Math.floor((100 * p.done) / Math.max(p.total, 1))}%`)
    // a scale that this pass has not come to has no loss yet
    if (p.losses)
      parts.push(`loss ${p.losses.map((l) => (l === 0 ? '–' : l.toFixed(3))).join(' ')}`)
    if (p.rate && vectorsPerPass > 0) parts.push(`${quantity(p.rate * vectorsPerPass)} vectors/s`)
  } else {
    parts.push(`${Math.floor(p.done)}/${p.total}`)
    if (p.rate) parts.push(`${quantity(p.rate)} images/s`)
  }
  if (p.secondsLeft !== undefined && p.done < p.total) parts.push(`${clock(p.secondsLeft)} left`)
  return parts.join('  ')
}

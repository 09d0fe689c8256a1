import { markdownTable } from 'markdown-table'
import type { Published } from './paper/classes.js'

export const dash = '–'

const minus = (text: string): string => text.replace('-', '−')

/** 98.26, or 98.26 ± 0.01. */
export function percentText(value: Published | undefined): string {
  if (!value) return dash
  const { mean, deviation } = value
  return deviation === undefined ? mean.toFixed(2) : `${mean.toFixed(2)} ± ${deviation.toFixed(2)}`
}

/** +0.36 or −1.12; a dash where one of the two is missing. */
export function differenceText(measured: Published | undefined, published: Published | undefined) {
  if (!measured || !published) return dash
  const difference = measured.mean - published.mean
  const text = difference.toFixed(2)
  return Number(text) > 0 ? `+${text}` : minus(text.replace(/^-0\.00$/, '0.00'))
}

/** With thousands separated; three significant digits below 100. */
export function numberText(value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return dash
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return value === 0 ? '0' : String(Number(value.toPrecision(3)))
}

/** 12.3 s, 4 min 05 s, 2 h 07 min. */
export function durationText(seconds: number): string {
  if (seconds < 60) return `${numberText(seconds)} s`
  const two = (n: number) => String(Math.floor(n)).padStart(2, '0')
  const whole = Math.round(seconds)
  return whole < 3600
    ? `${Math.floor(whole / 60)} min ${two(whole % 60)} s`
    : `${Math.floor(whole / 3600).toLocaleString('en-US')} h ${two((whole % 3600) / 60)} min`
}

/** A table; the first `text` columns are words, the others numbers. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  text = 1,
): string {
  const escaped = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')))
  return markdownTable(escaped, {
    align: head.map((_, i) => (i < text ? 'left' : 'right')),
    stringLength: (cell) => [...cell].length,
  })
}

/** Parts with an empty line between them; what is absent is left out. */
export const paragraphs = (...parts: readonly (string | undefined | false)[]): string =>
  parts.filter((p): p is string => typeof p === 'string' && p !== '').join('\n\n')

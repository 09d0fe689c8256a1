import { number } from '../format.js'
import { markup, type Markup, type Part } from '../markup.js'
import type { Scale } from './scale.js'

/** Where a plot's data lie in its picture, in SVG units (CSS pixels at full size). */
export interface Plot {
  readonly width: number
  readonly height: number
  readonly left: number
  readonly right: number
  readonly top: number
  readonly bottom: number
  x(value: number): number
  y(value: number): number
}

export interface PlotOptions {
  readonly width: number
  readonly height: number
  readonly x: Scale
  readonly y: Scale
  /** Room around the data, for axes and labels. */
  readonly margin?: { readonly left?: number; readonly right?: number; readonly top?: number }
}

export function plotOf({ width, height, x, y, margin = {} }: PlotOptions): Plot {
  const { left = 48, top = 12 } = margin
  const right = width - (margin.right ?? 14)
  const bottom = height - 42
  return {
    width,
    height,
    left,
    right,
    top,
    bottom,
    x: (value) => round(left + (right - left) * x.at(value)),
    y: (value) => round(bottom - (bottom - top) * y.at(value)),
  }
}

/** To a tenth of a pixel: short numbers make a short file. */
export function round(value: number): number {
  return Math.round(value * 10) / 10
}

/** The horizontal axis: grid lines, labelled ticks and what they measure. */
export function xAxis(plot: Plot, scale: Scale, label: string): Markup {
  const ticks = scale.ticks.map(({ value, label: text }) => {
    const x = plot.x(value)
    return markup`<path class="grid" d="M${x} ${plot.top}V${plot.bottom}"/><text x="${x}" y="${plot.bottom + 17}" text-anchor="middle">${text}</text>`
  })
  const middle = round((plot.left + plot.right) / 2)
  return markup`${ticks}<path class="axis" d="M${plot.left} ${plot.bottom}H${plot.right}"/><text class="label" x="${middle}" y="${plot.bottom + 36}" text-anchor="middle">${label}</text>`
}

/** The vertical axis, likewise; a scale without ticks leaves its line and what it measures. */
export function yAxis(plot: Plot, scale: Scale, label: string): Markup {
  const ticks = scale.ticks.map(({ value, label: text }) => {
    const y = plot.y(value)
    return markup`<path class="grid" d="M${plot.left} ${y}H${plot.right}"/><text x="${plot.left - 7}" y="${round(y + 4)}" text-anchor="end">${text}</text>`
  })
  const middle = round((plot.top + plot.bottom) / 2)
  return markup`${ticks}<path class="axis" d="M${plot.left} ${plot.top}V${plot.bottom}"/><text class="label" transform="translate(13 ${middle}) rotate(-90)" text-anchor="middle">${label}</text>`
}

/** The threshold as a dashed line with its value above, kept inside the picture. */
export function thresholdLine(
  plot: Plot,
  threshold: number,
  name = 'threshold',
): Markup | undefined {
  if (!Number.isFinite(threshold)) return undefined
  const x = plot.x(threshold)
  const room = 60
  const [at, anchor] =
    x < plot.left + room
      ? [plot.left, 'start']
      : x > plot.right - room
        ? [plot.right, 'end']
        : [x, 'middle']
  return markup`<path class="threshold" d="M${x} ${plot.top - 4}V${plot.bottom}"/><text class="strong" x="${at}" y="${plot.top - 9}" text-anchor="${anchor}">${name} ${number(threshold, 4)}</text>`
}

/** A whole picture, with the sentence that says what it shows to who cannot see it. */
export function svg(plot: Plot, description: string, content: Part, kind = ''): Markup {
  return markup`<svg class="chart ${kind}" viewBox="0 0 ${plot.width} ${plot.height}" style="max-width:${plot.width}px" role="img" aria-label="${description}">${content}</svg>`
}

/** The same chart drawn for a desktop and for a phone; the style sheet shows one of them. */
export function responsive(draw: (width: number, kind: 'wide' | 'narrow') => Markup): Markup {
  return markup`${draw(1048, 'wide')}${draw(360, 'narrow')}`
}

/** One line of a chart, through its points that are finite. */
export interface Line {
  readonly x: ArrayLike<number>
  readonly y: ArrayLike<number>
  /** A number (0, 1, …) that picks colour and dashes. */
  readonly style: number
}

export interface LineChartOptions extends Omit<PlotOptions, 'margin'> {
  readonly xLabel: string
  readonly yLabel: string
  readonly lines: readonly Line[]
  readonly description: string
  /** More marks, drawn on top. */
  readonly marks?: ((plot: Plot) => Part) | undefined
  /** A dot at each point, for lines of few points. */
  readonly dots?: boolean
  /** Room for the vertical axis. */
  readonly left: number
}

/** A chart of lines. */
export function lineChart(options: LineChartOptions): Markup {
  const { x, y, lines, left, dots = false } = options
  const plot = plotOf({ ...options, margin: { left, right: 24 } })
  const paths = lines.map((line) => {
    const positions = Array.from(line.x, (v, i) => [v, line.y[i]!] as const)
      .filter(([v, w]) => Number.isFinite(v) && Number.isFinite(w))
      .map(([v, w]) => [plot.x(v), plot.y(w)] as const)
    const d = thin(positions).map(([px, py], i) => `${i === 0 ? 'M' : 'L'}${px} ${py}`)
    return markup`<path class="line s${line.style}" d="${d.join('')}"/>${dots && positions.map(([px, py]) => markup`<circle class="line-dot s${line.style}" cx="${px}" cy="${py}" r="2.5"/>`)}`
  })
  return svg(
    plot,
    options.description,
    markup`${xAxis(plot, x, options.xLabel)}${yAxis(plot, y, options.yLabel)}${paths}${options.marks?.(plot)}`,
  )
}

/** Without the points that a straight stretch does not need (a curve's steps along one axis). */
function thin(points: readonly (readonly [number, number])[]) {
  return points.filter(([x, y], i) => {
    const before = points[i - 1]
    const after = points[i + 1]
    if (!before || !after) return true
    return !((before[0] === x && after[0] === x) || (before[1] === y && after[1] === y))
  })
}

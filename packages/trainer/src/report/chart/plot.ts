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
  readonly margin?: {
    readonly left?: number
    readonly right?: number
    readonly top?: number
    readonly bottom?: number
  }
}

export function plotOf({ width, height, x, y, margin = {} }: PlotOptions): Plot {
  const left = margin.left ?? 48
  const top = margin.top ?? 12
  const right = width - (margin.right ?? 14)
  const bottom = height - (margin.bottom ?? 42)
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

/** The vertical axis, likewise. */
export function yAxis(plot: Plot, scale: Scale, label: string): Markup {
  const ticks = scale.ticks.map(({ value, label: text }) => {
    const y = plot.y(value)
    return markup`<path class="grid" d="M${plot.left} ${y}H${plot.right}"/><text x="${plot.left - 7}" y="${round(y + 4)}" text-anchor="end">${text}</text>`
  })
  return markup`${ticks}${yLabel(plot, label)}`
}

/** A vertical axis without ticks: its line and what it measures. */
export function yLabel(plot: Plot, label: string): Markup {
  const middle = round((plot.top + plot.bottom) / 2)
  return markup`<path class="axis" d="M${plot.left} ${plot.top}V${plot.bottom}"/><text class="label" transform="translate(13 ${middle}) rotate(-90)" text-anchor="middle">${label}</text>`
}

/** A whole picture, with the sentence that says what it shows to who cannot see it. */
export function svg(plot: Plot, description: string, content: Part, kind = ''): Markup {
  return markup`<svg class="chart ${kind}" viewBox="0 0 ${plot.width} ${plot.height}" style="max-width:${plot.width}px" role="img" aria-label="${description}">${content}</svg>`
}

/** The same chart drawn for a desktop and for a phone; the style sheet shows one of them. */
export function responsive(draw: (width: number, kind: 'wide' | 'narrow') => Markup): Markup {
  return markup`${draw(1048, 'wide')}${draw(360, 'narrow')}`
}

/** Path data of a line through points given in SVG units; points that are not finite are left out. */
export function polyline(points: readonly (readonly [number, number])[]): string {
  return points
    .filter(([x, y]) => Number.isFinite(x) && Number.isFinite(y))
    .map(([x, y], i) => `${i === 0 ? 'M' : 'L'}${x} ${y}`)
    .join('')
}

import type { Curve } from '../input.js'
import { markup, type Markup, type Part } from '../markup.js'
import { plotOf, polyline, round, svg, xAxis, yAxis, type Plot } from './plot.js'
import type { Scale } from './scale.js'

/** One line of a chart: its number (0, 1, …) picks colour and dashes. */
export interface Line {
  readonly curve: Curve
  readonly style: number
}

export interface LineChartOptions {
  readonly width: number
  readonly height: number
  readonly x: Scale
  readonly y: Scale
  readonly xLabel: string
  readonly yLabel: string
  readonly lines: readonly Line[]
  readonly description: string
  /** More marks, drawn on top. */
  readonly marks?: (plot: Plot) => Part
  /** A dot at each point, for lines of few points. */
  readonly dots?: boolean
  /** Room for the vertical axis. */
  readonly left?: number
}

/** A chart of lines. */
export function lineChart(options: LineChartOptions): Markup {
  const { width, height, x, y, lines } = options
  const plot = plotOf({ width, height, x, y, margin: { left: options.left ?? 54, right: 24 } })
  const paths = lines.map(({ curve, style }) => {
    const points = Array.from(
      { length: curve.x.length },
      (_, i) => [plot.x(curve.x[i]!), plot.y(curve.y[i]!)] as const,
    ).filter((_, i) => Number.isFinite(curve.x[i]!) && Number.isFinite(curve.y[i]!))
    const dots =
      options.dots === true &&
      points.map(
        ([cx, cy]) => markup`<circle class="line-dot s${style}" cx="${cx}" cy="${cy}" r="2.5"/>`,
      )
    return markup`<path class="line s${style}" d="${polyline(thin(points))}"/>${dots}`
  })
  return svg(
    plot,
    options.description,
    markup`${xAxis(plot, x, options.xLabel)}${yAxis(plot, y, options.yLabel)}${paths}${options.marks?.(plot)}`,
  )
}

/** Without the points that a straight stretch does not need (a curve's steps along one axis). */
function thin(points: readonly (readonly [number, number])[]): (readonly [number, number])[] {
  return points.filter(([x, y], i) => {
    const before = points[i - 1]
    const after = points[i + 1]
    if (!before || !after) return true
    return !((before[0] === x && after[0] === x) || (before[1] === y && after[1] === y))
  })
}

/** A ring with a cross, to mark where a detector works on a curve. */
export function workingPoint(plot: Plot, x: number, y: number): Markup | undefined {
  if (!Number.isFinite(x) || !Number.isFinite(y)) return undefined
  const [px, py] = [plot.x(x), plot.y(y)]
  return markup`<g class="working"><circle cx="${px}" cy="${py}" r="6"/><path d="M${round(px - 3)} ${py}h6M${px} ${round(py - 3)}v6"/></g>`
}

import { svg } from './dom.js'
import { short } from './format.js'

const [width, height, margin] = [320, 90, 8]

/** The loss over a training, as one line; `share` of the training from 0 to 1. */
export function lossChart(points: readonly { share: number; loss: number }[]): SVGElement {
  const losses = points.map((p) => p.loss)
  const low = Math.min(...losses)
  const span = Math.max(...losses) - low || 1
  const x = (share: number) => margin + share * (width - 2 * margin)
  const y = (loss: number) => height - margin - ((loss - low) / span) * (height - 2 * margin)
  const line = points.map((p) => `${x(p.share).toFixed(1)},${y(p.loss).toFixed(1)}`).join(' ')
  const last = points.at(-1)
  const text = last
    ? `Loss from ${short(losses[0]!)} to ${short(last.loss)} after ${Math.round(100 * last.share)} % of the training`
    : 'No loss yet'
  return svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, class: 'loss', role: 'img', 'aria-label': text },
    svg('line', { x1: margin, x2: width - margin, y1: height - margin, y2: height - margin }),
    svg('polyline', { points: line }),
  )
}

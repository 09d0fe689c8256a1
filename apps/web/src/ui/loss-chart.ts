import { svg } from './dom.js'
import { short } from './format.js'

const [width, height, margin] = [320, 90, 8]

export interface LossPoint {
  /** Share of the training that is done, 0 to 1. */
  readonly share: number
  /** Mean loss of the pass so far. */
  readonly loss: number
}

/** The losses of the scales, which are trained in turns; before a scale's turn in a pass its loss is 0 and left out. */
export class Losses {
  readonly scales: LossPoint[][] = []

  add(share: number, losses: readonly number[]): void {
    losses.forEach((loss, k) => {
      const points = (this.scales[k] ??= [])
      if (loss !== 0 && loss !== points.at(-1)?.loss) points.push({ share, loss })
    })
  }
}

/** A line for each scale over the training, each between its own least and largest loss. */
export function lossChart({ scales }: Losses): SVGElement {
  const lines = scales.filter((points) => points.length > 0)
  const last = lines.map((points) => short(points.at(-1)!.loss)).join(', ')
  const text = `Loss of each scale: ${last}`
  return svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, class: 'loss', role: 'img', 'aria-label': text },
    svg('line', { x1: margin, x2: width - margin, y1: height - margin, y2: height - margin }),
    ...lines.map((points, k) => svg('polyline', { points: line(points), class: `scale${k}` })),
  )
}

function line(points: readonly LossPoint[]): string {
  const losses = points.map((p) => p.loss)
  const low = Math.min(...losses)
  const span = Math.max(...losses) - low || 1
  const x = (share: number) => margin + share * (width - 2 * margin)
  const y = (loss: number) => height - margin - ((loss - low) / span) * (height - 2 * margin)
  return points.map((p) => `${x(p.share).toFixed(1)},${y(p.loss).toFixed(1)}`).join(' ')
}

import { svg } from './dom.js'
import { short } from './format.js'

const [width, height, margin] = [320, 120, 8]
/** Room for the numbers of the axes. */
const [left, bottom] = [44, 24]

/** Mean losses of each scale by pass; the last may be of a pass that is not over. */
export type Losses = Map<number, number>[]

/**
 * Add losses of the scales, which are trained in turns; before a scale's turn in a pass its loss is 0 and left out.
 * @param passes passes done, with the part of the one that runs
 */
export function addLosses(all: Losses, passes: number, losses: readonly number[]): void {
  losses.forEach((loss, k) => {
    const byPass = (all[k] ??= new Map())
    if (loss !== 0) byPass.set(Math.max(1, Math.ceil(passes)), loss)
  })
}

/** The latest of every scale, as text. */
export const latestText = (all: Losses): string =>
  all.flatMap((byPass) => [...byPass.values()].slice(-1).map(short)).join(', ')

/** A line for each scale, a dot for each pass. */
export function lossChart(scales: Losses, passes: number): SVGElement {
  const all = scales.flatMap((byPass) => [...byPass.values()])
  const low = Math.min(...all)
  const span = Math.max(...all) - low || 1
  const x = (pass: number) =>
    left + margin + ((pass - 1) / Math.max(passes - 1, 1)) * (width - left - 2 * margin)
  const foot = height - bottom
  const y = (loss: number) => foot - margin - ((loss - low) / span) * (foot - 2 * margin)
  const text = `Loss of each scale: ${latestText(scales)}`
  return svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, class: 'loss', role: 'img', 'aria-label': text },
    svg('line', { x1: left, x2: width - margin, y1: foot, y2: foot }),
    svg('line', { x1: left, x2: left, y1: margin, y2: foot }),
    ...(span > 1e-9 && all.length > 1 ? [low, low + span] : [low]).map((v) =>
      svg('text', { x: left - 6, y: y(v) + 4, 'text-anchor': 'end' }, short(v)),
    ),
    svg('text', { x: x(1), y: height - 8, 'text-anchor': 'middle' }, 'pass 1'),
    ...(passes > 1
      ? [svg('text', { x: x(passes), y: height - 8, 'text-anchor': 'end' }, String(passes))]
      : []),
    ...scales.map((byPass, k) => {
      const points = [...byPass].map(([pass, loss]) => [x(pass), y(loss)] as const)
      return svg(
        'g',
        { class: `scale${k}` },
        svg('polyline', { points: points.map((p) => p.join(',')).join(' ') }),
        ...points.map(([cx, cy]) => svg('circle', { cx, cy, r: 3 })),
      )
    }),
  )
}

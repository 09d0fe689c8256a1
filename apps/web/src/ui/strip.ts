import { svg } from './dom.js'
import { short } from './format.js'

const [width, height, left, right] = [320, 58, 10, 10]

/**
 * Scores on a line: those of held-out good images as ticks, the threshold, and where there is one the score of the image
 * at hand. The line ends where a score would be four times as far from the good ones as the threshold is.
 */
export function scoreStrip(good: readonly number[], threshold: number, score?: number): SVGElement {
  const low = Math.min(...good, threshold, score ?? Infinity)
  const most = Math.max(...good, threshold + 3 * Math.max(threshold - low, 1e-9))
  const high = Math.max(most, Math.min(score ?? 0, threshold + 6 * (threshold - low)))
  const at = (v: number) =>
    left + Math.min(Math.max((v - low) / (high - low), 0), 1) * (width - left - right)
  const text =
    `${good.length} held-out good images score ${short(Math.min(...good))} to ${short(Math.max(...good))}; ` +
    `the threshold is ${short(threshold)}` +
    (score === undefined ? '' : `; this image scores ${short(score)}`)
  const edge = at(threshold)
  const node = svg(
    'svg',
    { viewBox: `0 0 ${width} ${height}`, class: 'strip', role: 'img', 'aria-label': text },
    svg('rect', { x: left, y: 22, width: edge - left, height: 10, class: 'zone good' }),
    svg('rect', { x: edge, y: 22, width: width - right - edge, height: 10, class: 'zone bad' }),
    ...good.map((v) => svg('line', { x1: at(v), x2: at(v), y1: 20, y2: 34, class: 'tick' })),
    svg('line', { x1: edge, x2: edge, y1: 16, y2: 38, class: 'threshold' }),
    svg('text', { x: held(edge), y: 52, 'text-anchor': 'middle' }, `threshold ${short(threshold)}`),
  )
  if (score !== undefined) {
    const x = at(score)
    node.append(
      svg('path', {
        d: `M${x} 22 l-6 -9 h12 z`,
        class: score > threshold ? 'mark bad' : 'mark good',
      }),
      svg(
        'text',
        { x: held(x), y: 10, 'text-anchor': 'middle', class: 'strong' },
        `score ${short(score)}`,
      ),
    )
  }
  return node
}

/** So far from the ends that a label fits. */
const held = (x: number): number => Math.min(Math.max(x, 50), width - 50)

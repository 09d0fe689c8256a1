import { count, number, shorten } from '../format.js'
import type { ReportScore } from '../input.js'
import { markup, type Markup } from '../markup.js'
import { plotOf, round, svg, xAxis, type Plot } from './plot.js'
import { linearScale, scoreScale } from './scale.js'

const rowHeight = 38

/** Most dots of one row; of more images every n-th by rank is drawn, the lowest and the highest always. */
export const maxDots = 400

/** Scores of images, one row per type of defect, with the threshold drawn through all of them. */
export function stripPlot(
  scores: readonly ReportScore[],
  threshold: number,
  width: number,
  kind: 'wide' | 'narrow',
): Markup {
  const wide = kind === 'wide'
  const rows = rowsOf(scores)
  const x = scoreScale(
    [...scores.map((s) => s.score), ...(Number.isFinite(threshold) ? [threshold] : [])],
    { count: wide ? 8 : 4 },
  )
  const y = linearScale(0, rows.length)
  const longest = Math.max(...rows.map((r) => [...r.name].length))
  const letters = Math.min(longest, wide ? 22 : 13)
  const plot = plotOf({
    width,
    height: rows.length * rowHeight + 70,
    x,
    y,
    margin: { left: Math.max(56, letters * 7 + 16), top: 26 },
  })
  const lines = rows.map((row, i) => rowMarks(row, i, plot, letters, wide))
  const scale = x.kind === 'log' ? 'image score (logarithmic)' : 'image score'
  const description =
    `Scores of ${count(scores.length, 'image')} by type of defect, ` +
    `${rows.map((r) => `${r.name}: ${count(r.scores.length, 'image')} from ${number(r.scores[0]!.score)} to ${number(r.scores.at(-1)!.score)}`).join('; ')}. Threshold ${number(threshold)}.`
  return svg(
    plot,
    description,
    markup`${thresholdBand(plot, threshold)}${xAxis(plot, x, scale)}${lines}${thresholdLine(plot, threshold)}`,
    kind,
  )
}

interface Row {
  readonly name: string
  readonly label: ReportScore['label']
  /** Ascending. */
  readonly scores: readonly ReportScore[]
}

/** Good images first, then defects by name, then images nobody sorted. */
function rowsOf(scores: readonly ReportScore[]): Row[] {
  const rank = { good: 0, anomalous: 1, unknown: 2 }
  const groups = new Map<string, ReportScore[]>()
  for (const s of scores) {
    const name = `${rank[s.label]}${s.defect}`
    const group = groups.get(name)
    if (group) group.push(s)
    else groups.set(name, [s])
  }
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, group]) => {
      const { defect, label } = group[0]!
      return { name: defect, label, scores: group.sort((a, b) => a.score - b.score) }
    })
}

function rowMarks(row: Row, index: number, plot: Plot, letters: number, titles: boolean): Markup {
  const middle = plot.top + (index + 0.5) * rowHeight
  const step = Math.max(1, (row.scores.length - 1) / (maxDots - 1))
  const dots: Markup[] = []
  for (let i = 0; i < row.scores.length; i += step) {
    const { id, score } = row.scores[Math.round(i)]!
    if (!Number.isFinite(score)) continue
    // The golden ratio spreads neighbours apart, the same way each time.
    const spread = row.scores.length < 3 ? 0 : ((Math.round(i) * 0.6180339887) % 1) - 0.5
    const place = `translate(${plot.x(score)} ${round(middle + spread * (rowHeight - 16))})`
    dots.push(
      markup`<use href="#dot-${row.label}" class="${row.label}" transform="${place}">${titles && markup`<title>${id}: ${number(score, 4)}</title>`}</use>`,
    )
  }
  const shown = shorten(row.name, letters)
  return markup`<path class="grid" d="M${plot.left} ${round(middle + rowHeight / 2)}H${plot.right}"/><text x="${plot.left - 9}" y="${round(middle + 4)}" text-anchor="end">${shown}${shown !== row.name && markup`<title>${row.name}</title>`}</text>${dots}`
}

function thresholdBand(plot: Plot, threshold: number): Markup | undefined {
  if (!Number.isFinite(threshold)) return undefined
  const x = plot.x(threshold)
  return markup`<rect class="beyond" x="${x}" y="${plot.top}" width="${round(plot.right - x)}" height="${plot.bottom - plot.top}"/>`
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

/** The shapes of the dots: colour is never the only sign. Once per document. */
export const dotShapes: Markup = markup`<svg width="0" height="0" class="defs" aria-hidden="true"><defs><circle id="dot-good" r="4"/><path id="dot-anomalous" d="M0 -5L5 4H-5Z"/><rect id="dot-unknown" x="-3.5" y="-3.5" width="7" height="7"/></defs></svg>`

import { plotOf, responsive, round, svg, thresholdLine, xAxis, type Plot } from '../chart/plot.js'
import { linearScale, scoreScale } from '../chart/scale.js'
import { count, number, shorten } from '../format.js'
import type { Judged, ReportInput } from '../input.js'
import { join, markup, type Markup } from '../markup.js'
import { outcomeOf } from '../outcome.js'
import { scoresCsv } from '../scores-csv.js'

/** Rows of the table; of more images those nearest to the threshold and the wrong ones stay. */
const maxRows = 3000

/** Dots of one row; of more images every n-th by rank is drawn, the lowest and the highest always. */
export const maxDots = 400

const rowHeight = 38

/** The shapes of the dots: colour is never the only sign. Once per document. */
export const dotShapes: Markup = markup`<svg width="0" height="0" class="defs" aria-hidden="true"><defs><circle id="dot-good" r="4"/><path id="dot-anomalous" d="M0 -5L5 4H-5Z"/><rect id="dot-unknown" x="-3.5" y="-3.5" width="7" height="7"/></defs></svg>`

/** Every image's score: as dots by defect, and in a table that can be sorted. */
export function scoresSection(input: ReportInput): Markup | undefined {
  const { scores, manifest } = input
  if (scores.length === 0) return undefined
  const { threshold } = manifest.calibration
  const labelled = scores.some((s) => s.label !== 'unknown')
  const rows = tableRows(scores)
  const thinned =
    scores.length > maxDots && ` Of more than ${maxDots} images in a row a sample is drawn.`
  return markup`<section aria-labelledby="scores"><h2 id="scores">Scores of the images</h2>
<figure>${responsive((width, kind) => stripPlot(scores, threshold, width, kind))}<figcaption>${keyOf(scores)} Height within a row means nothing.${thinned}</figcaption></figure>
<details><summary>All images (${scores.length.toLocaleString('en-US')})</summary>
${scores.length > rows.length && markup`<p>The ${rows.length.toLocaleString('en-US')} images that matter most: wrong verdicts and those nearest to the threshold.</p>`}
<div class="scroll"><table class="sortable"><caption>Highest score first</caption>
<thead><tr><th scope="col" class="number" aria-sort="descending">Score</th><th scope="col">Verdict</th>${labelled && markup`<th scope="col">Outcome</th>`}<th scope="col">Defect</th><th scope="col">Image</th></tr></thead>
<tbody>${rows.map(
    (
      s,
    ) => markup`<tr><td class="number" data-value="${s.score}">${number(s.score, 4)}</td><td>${called(s)}</td>${labelled && markup`<td>${outcome(s)}</td>`}<td>${s.defect}</td><td class="id"><bdi>${s.id}</bdi></td></tr>
`,
  )}</tbody></table></div></details>
${csvLink(input)}
</section>`
}

/** Characters of scores that go into the page. */
const maxCsv = 3e6

/** All scores to take away; of very many, only the file beside the report has them. */
export function csvLink(input: ReportInput): Markup {
  const csv = scoresCsv(input)
  const beside = 'The file scores.csv beside this report holds every score.'
  if (csv.length > maxCsv) return markup`<p>${beside}</p>`
  const source = `data:text/csv;charset=utf-8;base64,${Buffer.from(csv).toString('base64')}`
  return markup`<p><a href="${source}" download="scores.csv">Download every score as scores.csv</a></p>`
}

/** What the dots mean, of the labels that there are. */
function keyOf(scores: readonly Judged[]): Markup {
  const has = (label: Judged['label']) => scores.some((s) => s.label === label)
  return join(
    [
      has('good') &&
        markup`<span class="key good">●</span> good; right of the line it is a false alarm.`,
      has('anomalous') &&
        markup`<span class="key anomalous">▲</span> defective; left of the line it is missed.`,
      has('unknown') && markup`<span class="key">■</span> not labelled.`,
    ].filter((part) => part !== false),
    ' ',
  )
}

/** The verdict in a word. */
export const called = ({ anomalous }: Judged): string => (anomalous ? 'anomalous' : 'good')

/** The outcome in a word, with a sign and a colour. */
export function outcome(image: Judged): Markup {
  const result = outcomeOf(image)
  const sign = { right: '✓', missed: '✗', 'false alarm': '!', 'not known': '?' }[result]
  return markup`<span class="outcome ${result.replace(' ', '-')}"><span aria-hidden="true">${sign}</span> ${result}</span>`
}

/** Highest score first; of too many the most telling ones. */
function tableRows(scores: readonly Judged[]): readonly Judged[] {
  let kept = [...scores]
  if (kept.length > maxRows) {
    const wrong = (s: Judged) => (['missed', 'false alarm'].includes(outcomeOf(s)) ? 0 : 1)
    const distance = (s: Judged) => Math.abs(s.score - s.threshold)
    kept = kept.sort((a, b) => wrong(a) - wrong(b) || distance(a) - distance(b)).slice(0, maxRows)
  }
  return kept.sort((a, b) => b.score - a.score)
}

/** Scores of images, one row per type of defect, with the threshold drawn through all of them. */
export function stripPlot(
  scores: readonly Judged[],
  threshold: number,
  width: number,
  kind: 'wide' | 'narrow',
): Markup {
  const wide = kind === 'wide'
  const rows = rowsOf(scores)
  const finite = Number.isFinite(threshold)
  const x = scoreScale([...scores.map((s) => s.score), ...(finite ? [threshold] : [])], {
    count: wide ? 8 : 4,
  })
  const longest = Math.max(...rows.map((r) => [...r.name].length))
  const letters = Math.min(longest, wide ? 22 : 13)
  const plot = plotOf({
    width,
    height: rows.length * rowHeight + 70,
    x,
    y: linearScale(0, rows.length),
    margin: { left: Math.max(56, letters * 7 + 16), top: 26 },
  })
  const lines = rows.map((row, i) => rowMarks(row, i, plot, letters, wide))
  const from = finite ? plot.x(threshold) : NaN
  const band =
    finite &&
    markup`<rect class="beyond" x="${from}" y="${plot.top}" width="${round(plot.right - from)}" height="${plot.bottom - plot.top}"/>`
  const scale = x.kind === 'log' ? 'image score (logarithmic)' : 'image score'
  const description =
    `Scores of ${count(scores.length, 'image')} by type of defect, ` +
    `${rows.map((r) => `${r.name}: ${count(r.scores.length, 'image')} from ${number(r.scores[0]!.score)} to ${number(r.scores.at(-1)!.score)}`).join('; ')}. Threshold ${number(threshold)}.`
  return svg(
    plot,
    description,
    markup`${band}${xAxis(plot, x, scale)}${lines}${thresholdLine(plot, threshold)}`,
    kind,
  )
}

interface Row {
  readonly name: string
  readonly label: Judged['label']
  /** Ascending. */
  readonly scores: readonly Judged[]
}

/** Good images first, then defects by name, then images nobody sorted. */
function rowsOf(scores: readonly Judged[]): Row[] {
  const rank = { good: 0, anomalous: 1, unknown: 2 }
  const groups = new Map<string, Judged[]>()
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
    const at = `translate(${plot.x(score)} ${round(middle + spread * (rowHeight - 16))})`
    dots.push(
      markup`<use href="#dot-${row.label}" class="${row.label}" transform="${at}">${titles && markup`<title>${id}: ${number(score, 4)}</title>`}</use>`,
    )
  }
  const shown = shorten(row.name, letters)
  return markup`<path class="grid" d="M${plot.left} ${round(middle + rowHeight / 2)}H${plot.right}"/><text x="${plot.left - 9}" y="${round(middle + 4)}" text-anchor="end">${shown}${shown !== row.name && markup`<title>${row.name}</title>`}</text>${dots}`
}

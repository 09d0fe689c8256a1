import { maxDots, stripPlot } from '../chart/strip.js'
import { responsive } from '../chart/plot.js'
import { number } from '../format.js'
import type { ReportInput, ReportScore } from '../input.js'
import { join, markup, type Markup } from '../markup.js'
import { imageThreshold, verdictOf, type Verdict } from '../verdict.js'

/** Most rows of the table; of more images those nearest to the threshold and the wrong ones stay. */
export const maxRows = 3000

/** Every image's score: as dots by defect, and in a table that can be sorted. */
export function scoresSection(input: ReportInput): Markup | undefined {
  const { scores } = input
  if (scores.length === 0) return undefined
  const threshold = imageThreshold(input)
  const labelled = scores.some((s) => s.label !== 'unknown')
  const rows = tableRows(scores, threshold)
  const left = scores.length - rows.length
  const thinned =
    scores.length > maxDots && ` Of more than ${maxDots} images in a row a sample is drawn.`
  return markup`<section aria-labelledby="scores"><h2 id="scores">Scores of the images</h2>
<figure>${responsive((width, kind) => stripPlot(scores, threshold, width, kind))}<figcaption>${keyOf(scores)} Height within a row means nothing.${thinned}</figcaption></figure>
<details><summary>All images (${scores.length.toLocaleString('en-US')})</summary>
${left > 0 && markup`<p>The ${rows.length.toLocaleString('en-US')} images that matter most: wrong verdicts and those nearest to the threshold.</p>`}
<div class="scroll"><table class="sortable"><caption>Highest score first</caption>
<thead><tr><th scope="col" class="number" aria-sort="descending">Score</th><th scope="col">Verdict</th>${labelled && markup`<th scope="col">Outcome</th>`}<th scope="col">Defect</th><th scope="col">Image</th></tr></thead>
<tbody>${rows.map((s) => tableRow(s, threshold, labelled))}</tbody></table></div></details>
</section>`
}

/** What the dots mean, of the labels that there are. */
function keyOf(scores: readonly ReportScore[]): Markup {
  const has = (label: ReportScore['label']) => scores.some((s) => s.label === label)
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

function tableRow(s: ReportScore, threshold: number, labelled: boolean): Markup {
  const verdict = verdictOf(s, threshold)
  return markup`<tr><td class="number" data-value="${s.score}">${number(s.score, 4)}</td><td>${verdict.called}</td>${labelled && markup`<td>${outcome(verdict)}</td>`}<td>${s.defect}</td><td class="id"><bdi>${s.id}</bdi></td></tr>
`
}

/** The outcome in a word, with a sign and a colour. */
export function outcome({ outcome: result }: Verdict): Markup {
  const sign = { right: '✓', missed: '✗', 'false alarm': '!', 'not known': '?' }[result]
  return markup`<span class="outcome ${result.replace(' ', '-')}"><span aria-hidden="true">${sign}</span> ${result}</span>`
}

/** Highest score first; of too many the most telling ones. */
function tableRows(scores: readonly ReportScore[], threshold: number): readonly ReportScore[] {
  let kept = [...scores]
  if (kept.length > maxRows) {
    const wrong = (s: ReportScore) =>
      ['missed', 'false alarm'].includes(verdictOf(s, threshold).outcome) ? 0 : 1
    const distance = (s: ReportScore) => Math.abs(s.score - threshold)
    kept = kept.sort((a, b) => wrong(a) - wrong(b) || distance(a) - distance(b)).slice(0, maxRows)
  }
  return kept.sort((a, b) => b.score - a.score)
}

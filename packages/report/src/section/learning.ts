import { lineChart } from '../chart/plot.js'
import { linearScale } from '../chart/scale.js'
import { count, number } from '../format.js'
import type { ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'

/** Loss of each pass, one small chart per scale: each has its own height, and only its course matters. */
export function learningSection({ history, manifest }: ReportInput): Markup | undefined {
  const scales = Math.max(0, ...history.map((pass) => pass.losses.length))
  if (history.length === 0 || scales === 0) return undefined
  const taps = manifest.encoder.taps
  const charts = Array.from({ length: scales }, (_, k) => {
    const tap = taps.length === scales ? taps[k] : undefined
    const name = tap ? `${tap.name} (${tap.height}×${tap.width})` : `scale ${k + 1}`
    return scaleChart(history, k, name)
  })
  const last = history.at(-1)!
  const loss = manifest.method === 'dfr' ? 'reconstruction error' : 'negative log-likelihood'
  return markup`<section aria-labelledby="learning"><h2 id="learning">Learning</h2><div class="charts small">${charts}</div>
<p class="note">Mean loss (${loss}) of each pass over the training images${scales > 1 && ', finest scale first'}. ${count(history.length, 'pass', 'passes')}; the last at learning rate ${number(last.learningRate, 2)}. A curve that still falls at its end would gain from more passes.</p></section>`
}

function scaleChart(history: ReportInput['history'], k: number, name: string): Markup {
  const points = history
    .map(({ pass, losses }) => ({ pass, loss: losses[k] ?? NaN }))
    .filter(({ loss }) => Number.isFinite(loss))
  if (points.length === 0)
    return markup`<figure><h3>${name}</h3><p class="note">The loss is not a number.</p></figure>`
  const losses = points.map((p) => p.loss)
  const [low, high] = [Math.min(...losses), Math.max(...losses)]
  const room = (high - low) * 0.06
  const first = points[0]!
  const last = points.at(-1)!
  const chart = lineChart({
    width: 340,
    height: 230,
    x: linearScale(first.pass, Math.max(last.pass, first.pass + 1), {
      count: Math.min(5, Math.max(1, last.pass - first.pass)),
    }),
    y: linearScale(low - room, high + room, { count: 4 }),
    xLabel: 'pass',
    yLabel: 'loss',
    lines: [{ x: points.map((p) => p.pass), y: losses, style: 0 }],
    dots: points.length <= 40,
    description: `Loss of ${name}: from ${number(first.loss, 4)} in pass ${first.pass} to ${number(last.loss, 4)} in pass ${last.pass}`,
    left: 66,
  })
  return markup`<figure><h3>${name}</h3>${chart}</figure>`
}

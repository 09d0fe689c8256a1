import { bytes, dash, duration, number } from '../format.js'
import type { ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'

/** How long it took, how fast it is and how large. */
export function timingSection({
  evaluation,
  modelBytes,
  manifest,
}: ReportInput): Markup | undefined {
  if (!evaluation) return undefined
  const { seconds, millisecondsPerImage, imagesPerSecond } = evaluation.timing
  const speed = Number.isFinite(millisecondsPerImage) ? `${number(millisecondsPerImage)} ms` : dash
  const rate = Number.isFinite(imagesPerSecond) ? `${number(imagesPerSecond)} per second` : dash
  const stages = Object.entries(seconds)
  return markup`<section aria-labelledby="cost"><h2 id="cost">Time and size</h2>
<table><caption>On the machine that made this report</caption>
<tbody>
<tr><th scope="row">One image<span class="note">median, through the detector, without decoding</span></th><td class="number">${speed}</td></tr>
<tr><th scope="row">Throughput</th><td class="number">${rate}</td></tr>
<tr><th scope="row">Detector file<span class="note">${manifest.method === 'cflow' ? 'encoder, flows and threshold' : 'encoder, model and threshold'} in one ONNX file</span></th><td class="number">${modelBytes > 0 ? bytes(modelBytes) : dash}</td></tr>
${stages.map(([stage, s]) => markup`<tr><th scope="row">${stage}</th><td class="number">${duration(s)}</td></tr>`)}
</tbody></table></section>`
}

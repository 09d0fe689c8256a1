import type { Manifest } from '@cflow/core'
import { promiseOf } from '@cflow/detector'
import { bytes, dash, duration, number } from '../format.js'
import type { ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'

const partsOf = ({ flows }: Manifest): string =>
  `encoder, ${flows.length > 0 ? 'flows' : 'model'} and threshold`

/** How long it took, how fast it is and how large. */
export function costSection({ evaluation, modelBytes, manifest }: ReportInput): Markup | undefined {
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
<tr><th scope="row">Detector file<span class="note">${partsOf(manifest)} in one ONNX file</span></th><td class="number">${bytes(modelBytes)}</td></tr>
${stages.map(([stage, s]) => markup`<tr><th scope="row">${stage}</th><td class="number">${duration(s)}</td></tr>`)}
</tbody></table></section>`
}

/** How to use the detector file, and what it says of itself. */
export function usageSection({ manifest }: ReportInput): Markup {
  const { inputSize } = manifest
  return markup`<footer><section aria-labelledby="use"><h2 id="use">Using the detector</h2>
<p>The file <code>model.onnx</code> holds everything: ${partsOf(manifest)}. It takes images of any size (they become ${inputSize} × ${inputSize} pixels) and calls an image anomalous above its threshold (${promiseOf(manifest).brief}).</p>
<p>On the command line:</p>
<pre><code>cflow predict model.onnx PATHS</code></pre>
<p>In JavaScript or TypeScript, in Node and in browsers:</p>
<pre><code>import { loadDetector } from '@cflow/detector'

const detector = await loadDetector('model.onnx')
const { score, anomalous, anomalyMap } = await detector.detect('image.png') // in browsers: a Blob or URL</code></pre>
<details><summary>Manifest (what the file says of itself)</summary><pre><code>${JSON.stringify(shortened(manifest), null, 2)}</code></pre></details>
</section></footer>`
}

/** The manifest with a long list of calibration scores cut short: it is for reading. */
function shortened(manifest: Manifest): unknown {
  const { scores } = manifest.calibration
  if (scores.length <= 12) return manifest
  const shown = [...scores.slice(0, 5), `… ${scores.length - 10} more …`, ...scores.slice(-5)]
  return { ...manifest, calibration: { ...manifest.calibration, scores: shown } }
}

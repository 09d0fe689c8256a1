import type { Manifest } from '@cflow/core'
import { percent } from '../format.js'
import type { ReportInput } from '../input.js'
import { markup, type Markup } from '../markup.js'

/** How to use the detector file, and what it says of itself. */
export function usageSection({ manifest, modelBytes }: ReportInput): Markup {
  return markup`<footer><section aria-labelledby="use"><h2 id="use">Using the detector</h2>
${modelBytes > 0 ? fileUsage(manifest) : withoutFile}
<details><summary>Manifest (what the file says of itself)</summary><pre><code>${JSON.stringify(shortened(manifest), null, 2)}</code></pre></details>
</section></footer>`
}

const withoutFile = markup`<p>This detector has no file: it compares images with all of its training images, which it keeps in memory while it is measured.</p>`

function fileUsage({ method, inputSize, calibration }: Manifest): Markup {
  const parts = method === 'cflow' ? 'encoder, flows and threshold' : 'encoder, model and threshold'
  return markup`<p>The file <code>model.onnx</code> holds everything: ${parts}. It takes images of any size (they become ${inputSize} × ${inputSize} pixels) and calls an image anomalous above its threshold, set for false alarms on ${percent(calibration.falsePositiveRate)} of good images.</p>
<p>On the command line:</p>
<pre><code>cflow predict model.onnx PATHS</code></pre>
<p>In JavaScript or TypeScript, in Node and in browsers:</p>
<pre><code>import { loadDetector } from '@cflow/detector'

const detector = await loadDetector('model.onnx')
const { score, anomalous, anomalyMap } = await detector.detect('image.png') // in browsers: a Blob or URL</code></pre>`
}

/** The manifest with a long list of calibration scores cut short: it is for reading. */
function shortened(manifest: ReportInput['manifest']): unknown {
  const { scores } = manifest.calibration
  if (scores.length <= 12) return manifest
  const shown = [...scores.slice(0, 5), `… ${scores.length - 10} more …`, ...scores.slice(-5)]
  return { ...manifest, calibration: { ...manifest.calibration, scores: shown } }
}

import type { Manifest } from '@cflow/core'
import { promiseOf } from '@cflow/detector'
import { element } from '../ui/dom.js'
import { count, short } from '../ui/format.js'
import { scoreStrip } from '../ui/strip.js'

let url: string | undefined

/** The third card: held-out scores and the threshold that follows from them, and the file. */
export function showResult(manifest: Manifest, file: Blob): void {
  const { training, calibration, category } = manifest
  const { scores, threshold, setBy } = calibration
  const range = `${short(scores[0] ?? NaN)} to ${short(scores.at(-1) ?? NaN)}`
  const decided = setBy ? ` Set by ${setBy.id}.` : ''
  element('p', 'train-summary').textContent =
    `“${category}” learned from ${count(training.images, 'image')}. ` +
    `The ${count(scores.length, 'good image')} that set the threshold score ${range}; ` +
    `above ${short(threshold)} an image is anomalous.${decided} ${promiseOf(manifest).text}`
  element('div', 'train-scores').replaceChildren(scoreStrip(scores, threshold))
  if (url) URL.revokeObjectURL(url)
  url = URL.createObjectURL(file)
  const link = element('a', 'train-download')
  link.href = url
  link.textContent = `Download model.onnx (${(file.size / 1e6).toFixed(1)} MB)`
  element('div', 'train-result').hidden = false
  // where the focus was on what is gone now, such as Stop; elsewhere it is not taken away
  const { activeElement: active } = document
  if (!active || active === document.body || active.id === 'train-stop')
    element('h2', 'train-result-title').focus()
}

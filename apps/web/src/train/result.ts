import type { Manifest } from '@cflow/core'
import { element } from '../ui/dom.js'
import { count, percent, short } from '../ui/format.js'
import { scoreStrip } from '../ui/strip.js'

let url: string | undefined

/** The third card: held-out scores and the threshold that follows from them, and the file. */
export function showResult({ training, calibration, category }: Manifest, file: Blob): void {
  const { scores, threshold, falsePositiveRate, guaranteed } = calibration
  element('p', 'train-summary').textContent =
    `“${category}” learned from ${count(training.images, 'image')}. ` +
    `${count(scores.length, 'good image')} kept out of training score ${short(scores[0]!)} to ${short(scores.at(-1)!)}; ` +
    `above ${short(threshold)} an image is anomalous (false alarms: ${percent(falsePositiveRate)}${guaranteed ? '' : ', too few images to guarantee it'}).`
  element('div', 'train-scores').replaceChildren(scoreStrip(scores, threshold))
  if (url) URL.revokeObjectURL(url)
  url = URL.createObjectURL(file)
  const link = element('a', 'train-download')
  link.href = url
  link.textContent = `Download model.onnx (${(file.size / 1e6).toFixed(1)} MB)`
  element('div', 'train-result').hidden = false
  element('h2', 'train-result-title').focus()
}

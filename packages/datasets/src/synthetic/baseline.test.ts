import { expect, it } from 'vitest'
import { syntheticKinds } from './render.js'
import { syntheticDataset } from './synthetic.js'

/** Area under the ROC curve of scores quantised to `bins` levels. */
function auroc(scores: Float64Array, labels: Uint8Array, bins = 4096): number {
  const top = scores.reduce((a, b) => Math.max(a, b), 0)
  const negative = new Float64Array(bins)
  const positive = new Float64Array(bins)
  for (let i = 0; i < scores.length; i++) {
    const bin = Math.min(bins - 1, Math.floor(Math.sqrt(scores[i]! / top) * bins))
    const counts = labels[i] === 1 ? positive : negative
    counts[bin] = counts[bin]! + 1
  }
  let below = 0
  let wins = 0
  let total = 0
  for (let b = 0; b < bins; b++) {
    wins += positive[b]! * (below + negative[b]! / 2)
    below += negative[b]!
    total += positive[b]!
  }
  return wins / (below * total)
}

/** What a mean and a variance for each pixel and channel, learned from the training images, can tell. */
async function pixelStatistics(kind: (typeof syntheticKinds)[number]): Promise<number> {
  const size = 128
  const { train, test } = syntheticDataset({ kind, size })
  const mean = new Float64Array(size * size * 3)
  const square = new Float64Array(mean.length)
  for (const sample of train) {
    const { data } = await sample.load()
    for (let i = 0; i < data.length; i++) {
      mean[i] = mean[i]! + data[i]! / train.length
      square[i] = square[i]! + data[i]! ** 2 / train.length
    }
  }
  const scores = new Float64Array(test.length * size * size)
  const labels = new Uint8Array(scores.length)
  for (const [k, sample] of test.entries()) {
    const { data } = await sample.load()
    const start = k * size * size
    for (let i = 0; i < data.length; i++) {
      const variance = square[i]! - mean[i]! ** 2 + 25
      const at = start + Math.floor(i / 3)
      scores[at] = scores[at]! + (data[i]! - mean[i]!) ** 2 / variance
    }
    if (sample.loadMask) labels.set((await sample.loadMask()).data, start)
  }
  return auroc(scores, labels)
}

it.each(syntheticKinds)(
  '%s is too much for statistics of single pixels',
  async (kind) => {
    const area = await pixelStatistics(kind)
    console.log(`${kind}: pixel AUROC of per-pixel mean and variance ${area.toFixed(3)}`)
    expect(area).toBeGreaterThan(0.5)
    expect(area).toBeLessThan(0.85)
  },
  60_000,
)

import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { auroc, confusionAt, evaluateImages, f1Max, PixelMetrics } from '@cflow/metrics'

// images: one score and one label each
const scores = [0.1, 0.4, 0.35, 0.8]
const labels = [0, 0, 1, 1]
const area = auroc(scores, labels) // 0.75
const best = f1Max(scores, labels) // { f1: 0.8, threshold: 0.35, precision: 2/3, recall: 1 }
const { fp } = confusionAt(scores, labels, best.threshold) // 1

// pixels, image by image: maps and masks are `[y·width + x]`
const good = Float32Array.of(0, 1, 2, 1, 0, 1)
const bent = Float32Array.of(0, 5, 2, 1, 0, 1)
const mask = Uint8Array.of(0, 1, 1, 0, 0, 0)
const pixels = new PixelMetrics()
pixels.add(good, new Uint8Array(6), 3, 2, 'good')
pixels.add(bent, mask, 3, 2, 'bent')
const overlap = pixels.aupro() // to a false-positive rate of 0.3
const theirs = pixels.aupro(0.3, { protocol: 'cflow-ad' }) // as the authors' code computes it
const alone = pixels.auroc(['good', 'bent']) // one type of defect against the good images, without a copy
const curve = pixels.proCurve({ limit: 0.3 }) // for plotting: { fpr, overlap, thresholds }

// a whole test set: both of these, the rates at a threshold, and rows by type of defect
const map = (data: Float32Array) => ({ width: 3, height: 2, data })
const { evaluation } = await evaluateImages(
  [
    { label: 'good', defect: 'good', score: 2, anomalyMap: map(good) },
    { label: 'anomalous', defect: 'bent', score: 5, anomalyMap: map(bent), mask: { data: mask } },
  ],
  { masks: true, threshold: 3 },
)
const { falsePositiveRate } = evaluation.operatingPoint! // 0

it('is the example of the README, and gives what that says', () => {
  const text = (path: string) => readFileSync(new URL(path, import.meta.url), 'utf8')
  const [, code] = /```ts\n([^]*?)```/.exec(text('../README.md'))!
  expect(text('example.test.ts')).toContain(code)
  expect([area, fp, falsePositiveRate]).toEqual([0.75, 1, 0])
  expect(best).toEqual({ f1: 0.8, threshold: 0.35, precision: 2 / 3, recall: 1 })
  expect(alone).toBe(pixels.auroc())
  expect(evaluation.pixel!.aupro).toBe(overlap)
  expect(theirs).toBeGreaterThan(0.7)
  expect(curve.fpr.at(-1)).toBe(0.3)
})

import { expect, it } from 'vitest'
import { bestEpochs, evaluateImages, type Evaluation, type MappedImage } from './evaluation.js'
import { PixelMetrics } from './pixel-metrics.js'

/** An image of four pixels; its mask, where there is one, covers the first. */
const image = (
  label: MappedImage['label'],
  defect: string,
  map: readonly number[],
  mask?: readonly number[],
): MappedImage => ({
  label,
  defect,
  score: Math.max(...map),
  anomalyMap: { width: 2, height: 2, data: Float32Array.from(map) },
  ...(mask && { mask: { data: Uint8Array.from(mask) } }),
})

const good = [image('good', 'good', [1, 2, 1, 1]), image('good', 'good', [3, 1, 2, 2])]
const dent = image('anomalous', 'dent', [5, 1, 2, 1], [1, 0, 0, 0])
const cut = image('anomalous', 'cut', [1, 2.5, 2, 2], [1, 1, 0, 0])
const unmasked = image('anomalous', 'dent', [9, 9, 9, 9])
const unknown = image('unknown', 'unknown', [7, 1, 1, 1])

it('counts what is known of images and pixels, each in its group', async () => {
  const all = [...good, dent, cut, unmasked, unknown]
  const { evaluation, pixels } = await evaluateImages(all, { masks: true, threshold: 3 })
  expect(evaluation.protocol).toBe('strict')
  expect(evaluation.image).toMatchObject({ auroc: 5 / 6, f1Max: 6 / 7, threshold: 2.5 })
  // at the threshold itself an image is still good
  expect(evaluation.operatingPoint).toEqual({
    threshold: 3,
    falsePositiveRate: 0,
    truePositiveRate: 2 / 3,
  })
  expect(evaluation.defects.map(({ defect, images }) => [defect, images])).toEqual([
    ['dent', 2],
    ['cut', 1],
  ])
  expect(evaluation.defects.map((row) => row.imageAuroc)).toEqual([1, 0.5])
  expect(evaluation.defects[0]!.pixelAuroc).toBe(1)
  // a defective image without a mask and an unknown one are left out, good ones are normal all over
  expect(pixels!.counts).toEqual({ normal: 13, anomalous: 3, regions: 2 })
  expect(evaluation.pixel!.auroc).toBe(pixels!.auroc())
  expect(evaluation.pixel!.aupro).toBe(pixels!.aupro())
  expect(evaluation.pixel).not.toHaveProperty('aurocError')
})

it('takes the authors’ AUPRO under their protocol, and no threshold where there is none', async () => {
  const { evaluation } = await evaluateImages([...good, dent, cut], {
    protocol: 'paper',
    masks: true,
  })
  const pixels = new PixelMetrics()
  for (const { anomalyMap, mask } of [...good, dent, cut])
    pixels.add(anomalyMap.data, mask?.data ?? new Uint8Array(4), 2, 2)
  expect(evaluation.pixel!.aupro).toBe(pixels.aupro(0.3, { protocol: 'cflow-ad' }))
  expect(evaluation).not.toHaveProperty('operatingPoint')
})

it('has NaN for a class that is missing, and nothing of pixels without masks', async () => {
  const { evaluation, pixels } = await evaluateImages([...good, unknown], {
    masks: false,
    threshold: 2.5,
  })
  expect(pixels).toBeUndefined()
  expect(evaluation).not.toHaveProperty('pixel')
  expect(evaluation.image.auroc).toBeNaN()
  expect(evaluation.operatingPoint).toEqual({
    threshold: 2.5,
    falsePositiveRate: 0.5,
    truePositiveRate: NaN,
  })
  expect(evaluation.defects).toEqual([])
  const bad = await evaluateImages([unmasked], { masks: false })
  expect(bad.evaluation.defects).toEqual([
    { defect: 'dent', images: 1, imageAuroc: NaN, pixelAuroc: NaN },
  ])
})

it('picks the first best epoch by metric', () => {
  const at = (image: number, pixel: number) =>
    ({ image: { auroc: image }, pixel: { auroc: pixel, aupro: NaN } }) as Evaluation
  expect(
    bestEpochs([
      { pass: 8, evaluation: at(0.9, 0.5) },
      { pass: 16, evaluation: at(0.9, 0.7) },
      { pass: 24, evaluation: at(0.8, 0.6) },
    ]),
  ).toEqual({
    image: { value: 0.9, pass: 8 },
    pixel: { value: 0.7, pass: 16 },
    passes: [8, 16, 24],
  })
  expect(bestEpochs([])).toBeUndefined()
})

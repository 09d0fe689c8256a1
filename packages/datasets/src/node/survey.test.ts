import type { RgbImage } from '@cflow/base'
import { describe, expect, it } from 'vitest'
import type { Sample, TruthMask } from '../dataset.js'
import { CflowError } from '@cflow/base'
import { surveyDataset, surveyWarnings } from './survey.js'

/** A picture of blobs that belong to the seed, in colour. */
function picture(seed: number, width = 64, height = 64, grey = false): RgbImage {
  const data = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const [u, v] = [(8 * x) / width, (8 * y) / height]
      const wave = Math.sin(u * (1 + (seed % 5)) + seed) * Math.cos(v * (1 + (seed % 3)) - seed)
      const light = Math.round(128 + 100 * wave)
      const own = grey ? [light, light, light] : [light, 255 - light, 90]
      data.set(own, (y * width + x) * 3)
    }
  return { width, height, data }
}

const sample = (
  id: string,
  image: RgbImage | CflowError,
  rest: Partial<Sample> & { readonly mask?: TruthMask } = {},
): Sample => ({
  ...{ id, split: 'train', label: 'good', defect: 'good' },
  load: () => (image instanceof CflowError ? Promise.reject(image) : Promise.resolve(image)),
  ...rest,
  ...(rest.mask && { loadMask: () => Promise.resolve(rest.mask!) }),
})

const usual = Array.from({ length: 8 }, (_, i) => sample(`usual${i}.png`, picture(i)))

const warnings = async (...more: readonly Sample[]) =>
  surveyWarnings(
    await surveyDataset({ train: [...usual, ...more], test: [] }, { pictureOf: () => false }),
  )

describe('surveyWarnings', () => {
  it('has nothing to say of images that go together', async () => {
    expect(await warnings()).toEqual([])
  })

  it.each<[string, readonly Sample[], RegExp]>([
    [
      'other shapes',
      [sample('wide.png', picture(20, 128, 32))],
      /wide\.png: 128×32, another shape/,
    ],
    [
      'much larger ones',
      [sample('big.png', picture(20, 300, 300))],
      /big\.png: 300×300, much larger/,
    ],
    ['single pixels', [sample('dot.png', picture(20, 1, 1))], /dot\.png: only 1×1 pixels/],
    ['grey ones', [sample('grey.png', picture(20, 64, 64, true))], /grey\.png: grey, where most/],
    [
      'copies',
      [sample('copy.png', picture(3))],
      /1 image is the same as another.*usual3\.png and copy\.png/,
    ],
    [
      'what cannot be read',
      [sample('broken.png', new CflowError('IMAGE', 'broken.png is damaged'))],
      /cannot be read: broken\.png is damaged/,
    ],
  ])('says %s', async (_, more, text) => {
    expect(await warnings(...more)).toEqual([expect.stringMatching(text)])
  })

  it('says images that are nearly the same, and those learned from and judged by', async () => {
    const noisy = picture(3)
    const data = noisy.data.map((v, i) => Math.min(255, v + ((i * 31) % 5) - 2))
    const near = sample('near.png', { ...noisy, data }, { split: 'test' })
    const said = surveyWarnings(
      await surveyDataset({ train: usual, test: [near] }, { pictureOf: () => false }),
    )
    expect(said).toEqual([
      expect.stringMatching(
        /1 image is nearly the same as another, such as usual3\.png and near\.png/,
      ),
      expect.stringMatching(/both learned from and judged by.*look better/),
    ])
  })

  it('says an image that is good and defective', async () => {
    const said = await warnings(
      sample('bad.png', picture(2), { label: 'anomalous', defect: 'dent' }),
    )
    expect(said).toContainEqual(
      expect.stringMatching(/usual2\.png and bad\.png are the same image/),
    )
  })

  it('says that large photographs are much reduced', async () => {
    const large = [1, 2].map((i) => sample(`${i}.png`, picture(i, 2100, 2100)))
    const survey = await surveyDataset({ train: large, test: [] }, { pictureOf: () => false })
    expect(surveyWarnings(survey)).toEqual([
      expect.stringMatching(/reduced 8-fold.*below 8 pixels/),
    ])
  })
})

it('keeps small pictures in the shape of the image, and of the mask all that is marked', async () => {
  const [width, height] = [800, 400]
  const data = new Uint8Array(width * height)
  data[123 * width + 457] = 1
  const mask = { width, height, data, remarks: ['is thin'] }
  const bad = sample('bad.png', picture(1, width, height), { label: 'anomalous', mask })
  const { images } = await surveyDataset(
    { train: [], test: [bad, usual[0]!] },
    { pictureOf: (_, remarkable) => remarkable },
  )
  const [first, second] = images
  expect([first!.picture!.width, first!.picture!.height]).toEqual([176, 88])
  expect(first!.mask!.data.reduce((a, b) => a + b, 0)).toBe(1)
  expect(second!.picture).toBeUndefined()
  expect(surveyWarnings({ images, unreadable: [] })).toContainEqual('the mask of bad.png is thin')
})

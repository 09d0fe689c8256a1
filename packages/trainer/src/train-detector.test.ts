import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { temporaryFolder } from '@cflow/base/testing'
import { syntheticDataset } from '@cflow/datasets'
import { encodePng } from '@cflow/datasets/node'
import { loadDetector } from '@cflow/detector'
import { embeddedWeightsUrl } from '@cflow/encoders/embedded'
import { beforeAll, describe, expect, it } from 'vitest'
import * as browser from './index.browser.js'
import * as node from './index.node.js'
import { trainDetector, type Progress } from './index.node.js'

const { train, test } = syntheticDataset({ kind: 'mesh', size: 64, train: 10, test: 8 })
const pixels = await Promise.all(train.map((sample) => sample.load()))
// small: every training also trains a detector for each fold of so few images
const settings = { method: 'padim', inputSize: 32, poolLayers: 1, channels: 20 } as const
const folder = await temporaryFolder('train-detector')
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
const pathOf = (i: number) => join(folder, `good ${i}.png`)

beforeAll(async () => {
  for (const [i, image] of pixels.entries()) await writeFile(pathOf(i), await encodePng(image))
})

describe('trainDetector', () => {
  it('takes paths, URLs, bytes, Blobs, Files and pixels, and says how far it is', async () => {
    const bytes = await readFile(pathOf(2))
    const mixed = [
      pathOf(0),
      pathToFileURL(pathOf(1)),
      new Uint8Array(bytes),
      new Blob([await readFile(pathOf(3))]),
      new File([await readFile(pathOf(4))], 'part.png'),
      new Uint8Array(await readFile(pathOf(5))).buffer,
      ...pixels.slice(6),
    ]
    const seen: Progress[] = []
    const trained = await trainDetector(mixed, {
      ...settings,
      category: 'mesh',
      onProgress: (progress) => seen.push(progress),
    })
    const plain = await trainDetector(pixels, { ...settings, category: 'mesh' })
    expect(trained.manifest.category).toBe('mesh')
    expect(trained.manifest.training.digest).toBe(plain.manifest.training.digest)
    const names = trained.calibration.map(({ index, id }) => [index, id] as const)
    for (const [index, id] of names) expect(id.slice(0, 3)).toBe(String(index).padStart(3, '0'))
    expect(names.map(([, id]) => id)).toEqual(
      expect.arrayContaining(['000 good 0.png', '001 good%201.png', '004 part.png', '009']),
    )
    expect(new Set(seen.map(({ stage }) => stage))).toEqual(
      new Set(['read', 'folds', 'encode', 'whiten']),
    )
    const detector = await loadDetector(trained.model)
    const scores = async (label: string) =>
      Promise.all(
        test
          .filter((sample) => sample.label === label)
          .map(async (sample) => (await detector.detect(await sample.load())).score),
      )
    const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length
    expect(mean(await scores('anomalous'))).toBeGreaterThan(mean(await scores('good')))
    await detector.release()
  })

  it('trains other methods, on weights from a path, a URL or bytes, to the same file', async () => {
    const url = embeddedWeightsUrl('efficientnet-lite0')
    const path = fileURLToPath(url)
    const { model, manifest } = await trainDetector(pixels, settings)
    expect(manifest.method).toBe('padim')
    for (const weights of [path, url, await readFile(path)])
      expect(same((await trainDetector(pixels, { ...settings, weights })).model, model)).toBe(true)
  })

  it('is the same in browsers', async () => {
    expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort())
    const weights = await readFile(embeddedWeightsUrl('efficientnet-lite0'))
    const options = { ...settings, weights }
    const here = await trainDetector(pixels, options)
    const there = await browser.trainDetector(pixels, options)
    expect(there.manifest.training).toEqual(here.manifest.training)
    expect(there.manifest.calibration.scores.length).toBe(here.manifest.calibration.scores.length)
  })

  it('stops when it is aborted', async () => {
    const stop = new AbortController()
    const reason = new Error('enough')
    const training = trainDetector(pixels, {
      ...settings,
      signal: stop.signal,
      onProgress: ({ stage }) => stage === 'encode' && stop.abort(reason),
    })
    await expect(training).rejects.toBe(reason)
    await expect(trainDetector(pixels, { ...settings, signal: stop.signal })).rejects.toBe(reason)
  })

  it.each([
    ['a folder’s name', 'photos', {}, 'USAGE', 'images'],
    ['too few', pixels.slice(0, 1), {}, 'TOO_FEW_IMAGES', undefined],
    ['a setting that there is not', pixels, { inputsize: 64 }, 'CONFIG', 'inputsize'],
    ['a setting of another method', pixels, { method: 'padim', passes: 3 }, 'CONFIG', 'passes'],
    ['a method that there is not', pixels, { method: 'padin' }, 'CONFIG', 'method'],
    [
      'a file that is not there',
      [...pixels, '/no/such.png'],
      settings,
      'NOT_FOUND',
      '/no/such.png',
    ],
    ['what is no image', [...pixels, 7], settings, 'IMAGE', 'image'],
    ['weights of nothing', pixels, { weights: new Uint8Array(40) }, 'WEIGHTS', undefined],
    ['known defects that are no list', pixels, { knownDefects: 'bad' }, 'USAGE', 'knownDefects'],
    [
      'an encoder without weights here',
      pixels,
      { encoder: 'resnet-999' },
      'NOT_FOUND',
      'resnet-999',
    ],
  ])('refuses %s', async (_, images, options, code, subject) => {
    const training = trainDetector(images as never, options as never)
    await expect(training).rejects.toMatchObject({
      name: 'CflowError',
      code,
      ...(subject && { subject }),
    })
  })
})

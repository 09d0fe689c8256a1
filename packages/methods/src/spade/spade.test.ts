import { floats, tensor } from '@cflow/base'
import { input } from '@cflow/graph'
import { expect, it } from 'vitest'
import {
  depth,
  golden,
  goldenMaps,
  height,
  positions,
  relativeError,
  rowsOf,
  width,
} from '../../test/golden.js'
import { run } from '@cflow/runtimes/testing'
import { nearestImages, pooledTap, spadeHead } from './spade.js'

const { train, test } = goldenMaps()
const { K, imageScore, nearestPixelDistance } = golden.spade

const mapsOf = (maps: readonly Float32Array[]) => ({
  x: floats('float32', [maps.length, depth, height, width], maps.flatMap((m) => [...m])), // prettier-ignore
})
const x = input('x', 'float32', ['N', depth, height, width])

async function evidenceOf(maps: readonly Float32Array[], neighbours: number) {
  const pooled = (await run({ y: pooledTap(x) }, mapsOf(train)))['y']!.data
  const gallery = [
    tensor('float32', [train.length, positions, depth], Float32Array.from(train.flatMap((m) => [...rowsOf(m)]))), // prettier-ignore
    floats('float32', [train.length, depth], pooled),
  ]
  return run({ ...spadeHead(gallery, neighbours).evidence([x]) }, mapsOf(maps))
}

it('gives the scores and the distances of the reference, alone and in a batch', async () => {
  const { score, distances } = await evidenceOf(test, K)
  expect(distances!.shape).toEqual([2, height, width])
  expect(relativeError(score!.data, imageScore)).toBeLessThan(1e-5)
  expect(relativeError(distances!.data, nearestPixelDistance.flat(2))).toBeLessThan(1e-5)
  for (const [i, image] of test.entries()) {
    const alone = await evidenceOf([image], K)
    expect(alone['score']!.data[0]).toBe(score!.data[i])
    const own = distances!.data.slice(i * positions, (i + 1) * positions)
    expect(relativeError(alone['distances']!.data, own)).toBeLessThan(1e-6)
  }
})

it('takes the whole gallery where it is smaller than K', async () => {
  const [all, more] = [await evidenceOf(test, train.length), await evidenceOf(test, 50)]
  expect(more['score']!.data).toEqual(all['score']!.data)
  expect(more['distances']!.data).toEqual(all['distances']!.data)
})

it('takes the nearest first, and of equal distances the earlier image', async () => {
  const nearest = async (gallery: number[], k: number) => {
    const x = input('x', 'float32', ['N', 1])
    const [distances, indices] = nearestImages(x, input('g', 'float32', [gallery.length, 1]), k)
    const feeds = {
      x: floats('float32', [1, 1], [0]),
      g: floats('float32', [gallery.length, 1], gallery),
    }
    const got = await run({ distances, indices }, feeds)
    return [got['distances']!.data, got['indices']!.data.map(Number)]
  }
  expect(await nearest([3, 1, 2], 50)).toEqual([
    [1, 2, 3],
    [1, 2, 0],
  ])
  expect((await nearest([1, 1, 1], 2))[1]).toEqual([0, 1])
})

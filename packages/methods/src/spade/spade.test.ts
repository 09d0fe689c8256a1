import { floats } from '@cflow/base'
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
import { run, runBytes } from '@cflow/runtimes/testing'
import { imageDistances, pooledTap, positionDistances, spadeNames } from './graph.js'
import { nearestImages } from './neighbours.js'

const { train, test } = goldenMaps()
const { K, imageScore, nearestPixelDistance } = golden.spade

async function pooled(maps: readonly Float32Array[]): Promise<number[]> {
  const x = input('x', 'float32', ['N', depth, height, width])
  const feeds = { x: floats('float32', [maps.length, depth, height, width], maps.flatMap((m) => [...m])) } // prettier-ignore
  return (await run({ y: pooledTap(x) }, feeds))['y']!.data
}

async function neighboursOf(map: Float32Array) {
  const distances = await runBytes(imageDistances(train.length, depth), {
    [spadeNames.pooled]: floats('float32', [1, depth], await pooled([map])),
    [spadeNames.galleryPooled]: floats('float32', [train.length, depth], await pooled(train)),
  })
  return nearestImages(distances[spadeNames.distances]!.data, K)
}

const rows = (map: Float32Array) => floats('float32', [positions, depth], rowsOf(map))

it.each([0, 1])('gives the scores and the distances of the reference: image %i', async (i) => {
  const image = test[i]!
  const { indices, score } = await neighboursOf(image)
  expect(Math.abs(score / imageScore[i]! - 1)).toBeLessThan(1e-5)
  const graph = positionDistances(positions, depth)
  const best = new Float64Array(positions).fill(Infinity)
  for (const n of indices) {
    const feeds = { [spadeNames.query]: rows(image), [spadeNames.gallery]: rows(train[n]!) }
    const got = (await runBytes(graph, feeds))[spadeNames.distances]!.data
    got.forEach((d, p) => (best[p] = Math.min(best[p]!, d)))
  }
  expect(relativeError(best, nearestPixelDistance[i]!.flat())).toBeLessThan(1e-5)
})

it('takes the whole gallery where it is smaller than K', () => {
  expect(nearestImages([3, 1, 2], 50)).toEqual({ indices: [1, 2, 0], score: 2 })
  expect(nearestImages([1, 1, 1], 2).indices).toEqual([0, 1])
})

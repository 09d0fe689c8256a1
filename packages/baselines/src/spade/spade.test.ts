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
import { run, runBytes } from '../../test/run.js'
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
  const graph = positionDistances([{ depth, height, width }])
  const best = new Float64Array(positions).fill(Infinity)
  for (const n of indices) {
    const feeds = { [spadeNames.query(0)]: rows(image), [spadeNames.gallery(0)]: rows(train[n]!) }
    const got = (await runBytes(graph, feeds))[spadeNames.distances]!.data
    got.forEach((d, p) => (best[p] = Math.min(best[p]!, d)))
  }
  expect(relativeError(best, nearestPixelDistance[i]!.flat())).toBeLessThan(1e-5)
})

it('joins the taps: distances of two scales add up in squares', async () => {
  const fine = { depth: 1, height: 2, width: 2 }
  const coarse = { depth: 1, height: 1, width: 1 }
  const feeds = {
    [spadeNames.query(0)]: floats('float32', [4, 1], [0, 1, 2, 3]),
    [spadeNames.query(1)]: floats('float32', [1, 1], [4]),
    [spadeNames.gallery(0)]: floats('float32', [4, 1], [0, 1, 2, 9]),
    [spadeNames.gallery(1)]: floats('float32', [1, 1], [1]),
  }
  const got = await runBytes(positionDistances([fine, coarse]), feeds)
  const expected = [3, 3, 3, Math.sqrt(10)]
  got[spadeNames.distances]!.data.forEach((d, p) => expect(d).toBeCloseTo(expected[p]!, 4))
})

it('takes the whole gallery where it is smaller than K', () => {
  expect(nearestImages([3, 1, 2], 50)).toEqual({ indices: [1, 2, 0], score: 2 })
  expect(nearestImages([1, 1, 1], 2).indices).toEqual([0, 1])
})

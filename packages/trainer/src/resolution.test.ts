import type { Mask } from '@cflow/base'
import type { Sample } from '@cflow/datasets'
import { describe, expect, it } from 'vitest'
import { gathered } from './evaluate.js'
import { atResolution, countRegions, maskForPicture, resolutionFor } from './resolution.js'

/** Dots of a size at these places. */
function dots(size: number, dot: number, ...places: readonly (readonly [number, number])[]): Mask {
  const data = new Uint8Array(size * size)
  for (const [x, y] of places)
    for (let i = 0; i < dot * dot; i++) data[(y + Math.floor(i / dot)) * size + x + (i % dot)] = 1
  return { width: size, height: size, data }
}

const sample = (mask?: Mask, rest: Partial<Sample> = {}): Sample => ({
  ...{ id: 'a', split: 'test', label: 'anomalous', defect: 'dot' },
  load: () => Promise.reject(new Error('not asked for')),
  ...(mask && { loadMask: () => Promise.resolve(mask) }),
  ...rest,
})

// of 4×4 pixels the nearest takes the one at (2, 2)
const thin = dots(64, 1, [2, 2], [9, 9], [20, 33])
const thick = dots(64, 5, [3, 3], [30, 40])

describe('resolutionFor', () => {
  it('stays at the size of the maps where no region vanishes', async () => {
    const found = await resolutionFor([sample(thick), sample()], 16, undefined)
    expect(found).toEqual({ at: 16, regions: 2, vanishing: 0 })
  })

  it('is that of the masks where one would vanish, and counts what would', async () => {
    const found = await resolutionFor([sample(thin), sample(thick)], 16, undefined)
    expect(found).toEqual({ at: 'mask', regions: 5, vanishing: 2 })
  })

  it('is what was asked for', async () => {
    expect(await resolutionFor([sample(thin)], 16, 'mask')).toEqual({ at: 'mask' })
    expect(await resolutionFor([sample(thin)], 64, 16)).toEqual({
      at: 16,
      regions: 3,
      vanishing: 2,
    })
    expect(await resolutionFor([sample(thin)], 16, 64)).toEqual({
      at: 64,
      regions: 3,
      vanishing: 0,
    })
  })

  it('leaves frames of videos at the size of the maps', async () => {
    expect(await resolutionFor([sample(thin, { sequence: 'v' })], 16, undefined)).toEqual({
      at: 16,
    })
  })
})

it('counts regions that the nearest pixels miss, and none where a mask is not made smaller', () => {
  expect(countRegions(thin, 16)).toEqual({ regions: 3, vanishing: 2 })
  expect(countRegions(thin, 64)).toEqual({ regions: 3, vanishing: 0 })
  expect(countRegions(thin, 100)).toEqual({ regions: 3, vanishing: 0 })
})

it('brings map and mask to one size: the mask’s, that of an image without one, or a number', () => {
  const map = { width: 2, height: 2, data: Float32Array.from([0, 1, 0, 1]) }
  const image = { width: 6, height: 3 }
  const own = atResolution(map, thick, image, 'mask')
  expect([own.anomalyMap.width, own.anomalyMap.height, own.mask!.data]).toEqual([
    64,
    64,
    thick.data,
  ])
  const good = atResolution(map, undefined, image, 'mask')
  expect([good.anomalyMap.width, good.anomalyMap.height, good.mask]).toEqual([6, 3, undefined])
  const same = atResolution(map, thick, image, 2)
  expect(same.anomalyMap).toBe(map)
  expect(same.mask!.data).toHaveLength(4)
})

it('keeps every region in a picture', () => {
  const small = maskForPicture(thin, 16)
  expect(countRegions(small, 16).regions).toBe(3)
  expect(maskForPicture(thick, 16).data.reduce((a, b) => a + b, 0)).toBeGreaterThan(1)
})

it('says what masks have in common once', () => {
  const of = (text: string, ...ids: string[]) => ids.map((id) => ({ id, text }))
  expect(gathered([...of('is empty', 'a', 'b', 'c'), ...of('is large', 'd')])).toEqual([
    'the mask of a (and of 2 more) is empty',
    'the mask of d is large',
  ])
})

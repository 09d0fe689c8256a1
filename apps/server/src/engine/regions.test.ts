import { Random } from '@cflow/base'
import { connectedComponents } from '@cflow/metrics'
import { expect, it } from 'vitest'
import { regionsOf } from './regions.js'

const map = (width: number, height: number, data: ArrayLike<number>) => ({ width, height, data: Float32Array.from(data) }) // prettier-ignore

it('finds what a search over the whole map finds', () => {
  const random = Random.seeded(4)
  for (let n = 0; n < 60; n++) {
    const [width, height] = [1 + random.integer(12), 1 + random.integer(12)]
    const data = Float32Array.from({ length: width * height }, () => random.normal())
    const threshold = random.normal()
    const { labels, count, areas } = connectedComponents(Uint8Array.from(data, (v) => Number(v > threshold)), width, height) // prettier-ignore
    const expected = Array.from({ length: count }, (_, k) => {
      const own = [...labels.keys()].filter((i) => labels[i] === k + 1)
      const [xs, ys] = [own.map((i) => i % width), own.map((i) => Math.floor(i / width))]
      const [x, y] = [Math.min(...xs), Math.min(...ys)]
      const value = Math.max(...own.map((i) => data[i]!))
      const at = data.indexOf(value)
      return {
        ...{ x, y, width: Math.max(...xs) - x + 1, height: Math.max(...ys) - y + 1 },
        area: areas[k],
        peak: { x: at % width, y: Math.floor(at / width), value },
      }
    }).sort((a, b) => b.peak.value - a.peak.value)
    expect(regionsOf(map(width, height, data), threshold, width, height)).toEqual(expected)
  }
})

it('says nothing of a map that is nowhere above the threshold, and speaks in pixels of the image', () => {
  expect(regionsOf(map(2, 2, [0, 1, 2, 3]), 3, 20, 10)).toEqual([])
  expect(regionsOf(map(2, 2, [0, 1, 2, 4]), 3, 20, 10)).toEqual([
    { x: 10, y: 5, width: 10, height: 5, area: 50, peak: { x: 15, y: 7, value: 4 } },
  ])
})

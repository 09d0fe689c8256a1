import { expectReadmeExample } from '@cflow/base/testing'
import { expect, it } from 'vitest'
import { heatmapOverlay, heatRange } from '@cflow/report'

// what a detector said of an image: `detect` gives the map and the threshold
const threshold = 3
const anomalyMap = { width: 2, height: 2, data: Float32Array.of(1, 1, 1, 5) }
const image = { width: 8, height: 8, data: new Uint8Array(8 * 8 * 3).fill(100) }

// of all the images that are shown together, so that a colour means the same in each
const range = heatRange([anomalyMap], threshold)
// the image with the map over it, and the outline of what lies above the threshold
const picture = heatmapOverlay(image, anomalyMap, range, threshold)

it('is the example of the README, and paints what is anomalous', () => {
  expectReadmeExample(import.meta.url)
  const pixel = (x: number, y: number) => [...picture.data.subarray((y * 8 + x) * 3).slice(0, 3)]
  expect(pixel(0, 0)).toEqual([100, 100, 100])
  const [red, green, blue] = pixel(6, 6) as [number, number, number]
  expect(red).toBeGreaterThan(2 * Math.max(green, blue))
})

import { describe, expect, it } from 'vitest'
import { noise, toyDetector, toyManifest } from '@cflow/core/testing'
import { loadDetector } from './index.node.js'
import { canLeaveOut, mapOutside, scoreOutside, type Region } from './outside.js'

const all: Region = { x: 0, y: 0, width: 1, height: 1 }

/** Numbers in 0 … 1, always the same. */
function numbers(seed: number): () => number {
  let state = seed
  return () => (state = (state * 48271) % 2147483647) / 2147483647
}

describe('the score outside of regions', () => {
  it.each([undefined, 0.003, 0.05, 1])('is never above that of the whole (share %s)', (share) => {
    const manifest = { ...toyManifest, ...(share !== undefined && { scoreShare: share }) }
    const next = numbers(7)
    for (let trial = 0; trial < 50; trial++) {
      const [width, height] = [32, 32]
      const data = Float32Array.from({ length: width * height }, () => 40 * next() ** 4 - 20)
      const anomalyMap = { width, height, data }
      const score = [...data].sort((a, b) => b - a).slice(0, Math.max(1, Math.round((share ?? 0) * data.length))).reduce((s, v, _, { length }) => s + v / length, 0) // prettier-ignore
      const of = (...regions: Region[]) => scoreOutside(manifest, { score, anomalyMap }, regions)
      const region = () => ({ x: next(), y: next(), width: next(), height: next() })
      const [a, b] = [region(), region()]
      expect(of()).toBe(score)
      expect(of({ ...a, width: 0 })).toBeCloseTo(score, 5)
      expect(of(a)).toBeLessThanOrEqual(score)
      // more regions, lower scores; their order does not matter
      expect(of(a, b)).toBeLessThanOrEqual(of(a))
      expect(of(a, b)).toBe(of(b, a))
      expect(of(all)).toBeCloseTo(Math.min(...data), 5)
      expect(of(a)).toBeGreaterThanOrEqual(of(all))
    }
  })

  it('is that of what is left', () => {
    const data = Float32Array.from({ length: 16 }, (_, i) => i)
    const anomalyMap = { width: 4, height: 4, data }
    const of = (region: Region, scoreShare = 0) =>
      scoreOutside({ ...toyManifest, scoreShare }, { score: 15, anomalyMap }, [region])
    expect(of({ x: 0, y: 0.75, width: 1, height: 0.25 })).toBe(11)
    expect(of({ x: 0.5, y: 0.5, width: 2, height: 2 })).toBe(13)
    expect(of({ x: 0, y: 0.75, width: 1, height: 0.25 }, 0.25)).toBe(9.5)
    // its centre, not its corner, is in the region
    expect(of({ x: 0.8, y: 0.8, width: 0.2, height: 0.2 })).toBe(14)
    expect(of({ x: 0.9, y: 0.9, width: 0.1, height: 0.1 })).toBe(15)
    expect(data[15]).toBe(15)
  })

  it.each(['stretch', 'pad'] as const)('of what a detector gives (%s)', async (resize) => {
    const detector = await loadDetector(toyDetector({ resize }))
    const detection = await detector.detect(noise(3, 40, 90))
    const { score, anomalyMap } = detection
    const of = (region: Region) => scoreOutside(detector.manifest, detection, [region])
    const nothing = { x: 2, y: 2, width: 1, height: 1 }
    if (resize === 'stretch') expect(of(nothing)).toBeCloseTo(score, 4)
    expect(of(nothing)).toBeLessThanOrEqual(score)
    const worst = anomalyMap.data.reduce((at, v, i, d) => (v > d[at]! ? i : at), 0)
    const [x, y] = [worst % anomalyMap.width, Math.floor(worst / anomalyMap.width)]
    const size = 3 / anomalyMap.width
    const corner = { x: (x - 1) / anomalyMap.width, y: (y - 1) / anomalyMap.height }
    expect(of({ ...corner, width: size, height: size })).toBeLessThan(of(nothing))
    await detector.release()
  })

  it('is refused where the score is not one of the map, and of what is no region', () => {
    const detection = { score: 1, anomalyMap: { width: 1, height: 1, data: Float32Array.of(1) } }
    for (const method of ['patchcore', 'spade', 'differnet', 'else']) {
      const manifest = { ...toyManifest, method }
      expect(canLeaveOut(manifest)).toBe(false)
      expect(() => scoreOutside(manifest, detection, [all])).toThrow(
        expect.objectContaining({ code: 'USAGE', subject: 'regions' }),
      )
      expect(scoreOutside(manifest, detection, [])).toBe(1)
    }
    for (const wrong of [{ ...all, x: NaN }, { ...all, width: -1 }, {} as Region])
      expect(() => mapOutside(detection.anomalyMap, [wrong])).toThrow(
        expect.objectContaining({ code: 'USAGE', subject: 'regions' }),
      )
  })
})

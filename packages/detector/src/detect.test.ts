import { aggregationSchema, anomalyOf, combinedAnomaly, pValue, thresholdAt } from '@cflow/core'
import { encodePng } from '@cflow/datasets/node'
import { afterAll, describe, expect, expectTypeOf, it } from 'vitest'
import { noise, toyDetector, toyManifest } from '@cflow/core/testing'
import { openRuntime, type Runtime } from '@cflow/runtimes'
import {
  loadDetector,
  plainDetection,
  type Detection,
  type DetectionOf,
  type Parts,
} from './index.node.js'

const detector = await loadDetector(toyDetector())
afterAll(() => detector.release())

const without = <D extends { milliseconds: number }>({ milliseconds, ...rest }: D) => {
  expect(milliseconds).toBeGreaterThan(0)
  return rest
}

describe('a verdict', () => {
  it('compares the map’s maximum with the stored threshold', async () => {
    const d = await detector.detect(noise(1, 30, 40))
    const { calibration } = toyManifest
    expect(d.anomalyMap).toMatchObject({ width: 32, height: 32 })
    expect(d.score).toBe(Math.max(...d.anomalyMap.data))
    expect(d).toMatchObject({
      threshold: calibration.threshold,
      anomalous: d.score > calibration.threshold,
      falsePositiveRate: 0.05,
      guaranteed: true,
      pValue: pValue(calibration.scores, d.score),
    })
  })

  it('follows the rate that is asked for', async () => {
    const { scores } = toyManifest.calibration
    for (const falsePositiveRate of [0.5, 0.1, 0.001]) {
      const expected = thresholdAt(scores, falsePositiveRate)
      expect(detector.threshold(falsePositiveRate)).toEqual({ ...expected, falsePositiveRate })
      const d = await detector.detect(noise(1, 8, 8), { falsePositiveRate })
      expect(d).toMatchObject({
        ...expected,
        falsePositiveRate,
        anomalous: d.score > expected.threshold,
      })
    }
    expect(detector.threshold()).toEqual({
      threshold: 17.25,
      guaranteed: true,
      falsePositiveRate: 0.05,
    })
    for (const falsePositiveRate of [0, 1, NaN, 2])
      await expect(detector.detect(noise(1, 8, 8), { falsePositiveRate })).rejects.toMatchObject({
        code: 'USAGE',
      })
    expect(() => detector.threshold(0)).toThrow(/between 0 and 1/)
  })

  it('takes a threshold in place of a rate, and tells the rate that held-out scores give it', async () => {
    const { scores } = toyManifest.calibration
    const image = noise(1, 8, 8)
    const { score } = await detector.detect(image)
    for (const threshold of [score, score - 1e-3, -1e9, 1e9]) {
      const d = await detector.detect(image, { threshold })
      expect(d).toMatchObject({ threshold, anomalous: score > threshold, guaranteed: false })
      expect(d.falsePositiveRate).toBe(pValue(scores, threshold))
      expect(detector.mask(d).data.includes(1)).toBe(d.anomalous)
      expect((await detector.detectBatch([image], { threshold }))[0]).toMatchObject({ threshold })
    }
    for (const threshold of [NaN, Infinity, '3' as unknown as number])
      await expect(detector.detect(image, { threshold })).rejects.toMatchObject({ code: 'USAGE' })
    const both = detector.detect(image, { threshold: 1, falsePositiveRate: 0.1 })
    await expect(both).rejects.toMatchObject({ code: 'USAGE', subject: 'threshold' })
  })

  it.each([
    [{ treshold: 3 }, 'treshold', /did you mean threshold\?/],
    [{ falsepositiverate: 0.1 }, 'falsepositiverate', /did you mean falsePositiveRate\?/],
    [{ parts: { maps: false } }, 'maps', /did you mean map\?/],
    [{ rate: 0.1 }, 'rate', /Options: falsePositiveRate, threshold, parts/],
  ])('refuses options that do not exist: %j', async (options, subject, hint) => {
    const expected = { code: 'USAGE', subject, hint: expect.stringMatching(hint) as string }
    const given = options as object
    await expect(detector.detect(noise(1, 8, 8), given)).rejects.toMatchObject(expected)
    await expect(detector.detectBatch([noise(1, 8, 8)], given)).rejects.toMatchObject({
      code: 'USAGE',
      subject,
    })
  })

  it('guarantees no rate where the scores are those of training images', async () => {
    const calibration = { ...toyManifest.calibration, source: 'training' as const }
    const other = await loadDetector(toyDetector({ calibration }))
    const { threshold } = other.threshold(0.1)
    expect(threshold).toBe(detector.threshold(0.1).threshold)
    expect([other.threshold(0.1).guaranteed, other.threshold().guaranteed]).toEqual([false, false])
    expect(await other.detect(noise(1, 8, 8))).toMatchObject({ guaranteed: false })
    await other.release()
  })

  it('comes with a mask that holds a pixel exactly when the image is anomalous', async () => {
    for (const falsePositiveRate of [0.9, 0.001]) {
      const d = await detector.detect(noise(3, 16, 16), { falsePositiveRate })
      const mask = detector.mask(d)
      expect(mask.data.length).toBe(1024)
      expect(mask.data.includes(1)).toBe(d.anomalous)
      mask.data.forEach((m, i) => expect(m === 1).toBe(d.anomalyMap.data[i]! > d.threshold))
    }
  })

  it('is refused where the model gives numbers that are not finite', async () => {
    const fails = await loadDetector(toyDetector(), {
      runtime: {
        name: 'broken',
        scans: false,
        createSession: () =>
          Promise.resolve({
            inputs: ['image'],
            outputs: ['anomaly_map', 'score', 'log_likelihood_0', 'log_likelihood_1'],
            run: () =>
              Promise.resolve({
                score: { dtype: 'float32' as const, shape: [1], data: Float32Array.of(NaN) },
                anomaly_map: {
                  dtype: 'float32' as const,
                  shape: [1, 32, 32],
                  data: new Float32Array(1024),
                },
              }),
            setState: () => undefined,
            getState: () => Promise.resolve({}),
            release: () => Promise.resolve(),
          }),
      },
    })
    await expect(fails.detect(noise(1, 8, 8))).rejects.toMatchObject({ code: 'RUNTIME' })
  })
})

describe('contributions', () => {
  it.each(aggregationSchema.options)('make the score: %s', async (aggregation) => {
    // a threshold that scores of every aggregation can be above
    const calibration = { ...toyManifest.calibration, threshold: 1 }
    const other = await loadDetector(toyDetector({ aggregation, calibration }))
    for (const seed of [1, 2, 3, 4]) {
      const { score, contributions } = await other.detect(noise(seed, 25, 19))
      const whole = combinedAnomaly(
        aggregation,
        toyManifest.scales,
        contributions.map((c) => c.value),
      )
      expect(Math.abs(whole - score)).toBeLessThan(1e-5 * (1 + Math.abs(score)))
      expect(contributions.map(({ tap, stride }) => [tap, stride])).toEqual([
        ['fine', 4],
        ['coarse', 8],
      ])
      const excess = contributions.map((c, k) => {
        const s = toyManifest.scales[k]!
        return Math.max(0, c.value - anomalyOf(aggregation, s, s.mean))
      })
      const total = excess.reduce((a, b) => a + b, 0)
      contributions.forEach((c, k) =>
        expect(c.share).toBeCloseTo(total > 0 ? excess[k]! / total : 0, 10),
      )
    }
    await other.release()
  })
})

it('contributions are those of where the image lies on the square, where it is padded', async () => {
  const other = await loadDetector(toyDetector({ resize: 'pad' }))
  for (const [width, height] of [
    [40, 13],
    [12, 50],
    [30, 30],
  ] as const)
    // prettier-ignore
    for (const seed of [1, 2, 3]) {
      const { anomalyMap, contributions } = await other.detect(noise(seed, width, height))
      const values = [...anomalyMap.data].sort((a, b) => a - b)
      const range = values.at(-1)! - values[0]!
      const whole = contributions.reduce((sum, c) => sum + c.value, 0)
      // maps are interpolated twice, contributions once
      expect(Math.abs(whole - values.at(-1)!)).toBeLessThan(0.05 * range)
    }
  await other.release()
})

describe('a batch', () => {
  it('of any sizes gives what each image gives alone, in order', async () => {
    const sizes = [16, 24, 16, 16, 9, 24, 16]
    const images = sizes.map((n, i) => noise(i, n, n + 3))
    const alone: Detection[] = []
    for (const image of images) alone.push(await detector.detect(image))
    for (const batchSize of [1, 3, undefined]) {
      const options = batchSize === undefined ? {} : { batchSize }
      const together = await detector.detectBatch(images, options)
      expect(together.length).toBe(images.length)
      together.forEach((d, i) => {
        const e = alone[i]!
        expect(Math.abs(d.score - e.score)).toBeLessThan(1e-5 * Math.abs(e.score))
        d.anomalyMap.data.forEach((v, p) =>
          expect(Math.abs(v - e.anomalyMap.data[p]!)).toBeLessThan(1e-5 * Math.abs(e.score)),
        )
        expect(d.contributions[0]!.value).toBeCloseTo(e.contributions[0]!.value, 3)
      })
    }
    expect(await detector.detectBatch([])).toEqual([])
  })

  it('names the image that fails', async () => {
    const images = [noise(1, 8, 8), await encodePng(noise(2, 8, 8)), new Uint8Array([1, 2, 3])]
    await expect(detector.detectBatch(images)).rejects.toMatchObject({
      code: 'IMAGE',
      message: expect.stringMatching(/^images\[2\]: /),
    })
    await expect(detector.detectBatch([], { batchSize: 0 })).rejects.toMatchObject({
      code: 'USAGE',
    })
  })
})

describe('detections', () => {
  it('go through JSON and structured cloning', async () => {
    const d = await detector.detect(noise(5, 12, 12))
    const back = JSON.parse(JSON.stringify(plainDetection(d))) as Detection
    expect(back).toEqual({ ...d, anomalyMap: { ...d.anomalyMap, data: [...d.anomalyMap.data] } })
    expect(structuredClone(d)).toEqual(d)
    const small = await detector.detect(noise(5, 12, 12), { parts: { map: false } })
    expect(plainDetection(small)).not.toHaveProperty('anomalyMap')
    expect(JSON.parse(JSON.stringify(small))).toEqual(small)
  })

  it('are the same when detected at once', async () => {
    const images = [1, 2, 3].map((i) => noise(i, 16, 16))
    const at = await Promise.all(images.map((i) => detector.detect(i)))
    for (const [i, image] of images.entries())
      expect(without(await detector.detect(image))).toEqual(without(at[i]!))
  })
})

describe('parts that are not asked for', () => {
  const image = noise(4, 20, 20)
  const fetched: (readonly string[] | undefined)[] = []
  const spied = async (): Promise<Runtime> => {
    const runtime = await openRuntime()
    return {
      ...runtime,
      createSession: async (model, options) => {
        const session = await runtime.createSession(model, options)
        return {
          ...session,
          run: (feeds, outputs) => (fetched.push(outputs), session.run(feeds, outputs)),
        }
      },
    }
  }

  it.each<[Parts, string[]]>([
    [{ map: false, contributions: false }, ['score']],
    [{ contributions: false }, ['score', 'anomaly_map']],
    [{ map: false }, ['score', 'anomaly_map', 'log_likelihood_0', 'log_likelihood_1']],
    [{}, ['score', 'anomaly_map', 'log_likelihood_0', 'log_likelihood_1']],
    [{ map: false, contributions: false, likelihoods: true }, ['score', 'log_likelihood_0', 'log_likelihood_1']], // prettier-ignore
  ])('are neither given nor fetched: %j', async (parts, outputs) => {
    const other = await loadDetector(toyDetector(), { runtime: await spied() })
    const { anomalyMap, contributions, ...rest } = without(await detector.detect(image))
    const { manifest } = detector
    const likelihoods = manifest.scales.map(() => expect.any(Number) as number)
    fetched.length = 0
    for (const got of [
      await other.detect(image, { parts }),
      ...(await other.detectBatch([image], { parts })),
    ]) {
      expect(without(got)).toEqual({
        ...rest,
        ...(parts.map !== false && { anomalyMap }),
        ...(parts.contributions !== false && { contributions }),
        ...(parts.likelihoods === true && { likelihoods }),
      })
    }
    expect(fetched).toEqual([outputs, outputs])
    await other.release()
  })

  it('scale maps are given when asked for, and sum to the anomaly map', async () => {
    const { manifest } = detector
    const wide = noise(9, 40, 24)
    const parts = { scaleMaps: true } as const
    const d = await detector.detect(wide, { parts })
    expect(d.scaleMaps).toHaveLength(manifest.scales.length)
    const worst = d.anomalyMap.data.indexOf(d.score)
    d.scaleMaps.forEach(({ data }, k) =>
      expect(data[worst]).toBeCloseTo(d.contributions[k]!.value, 4),
    )
    for (const [i, value] of d.anomalyMap.data.entries()) {
      const each = d.scaleMaps.map(({ data }) => data[i]!)
      expect(combinedAnomaly(manifest.aggregation, manifest.scales, each)).toBeCloseTo(value, 3)
    }
    const plain = JSON.parse(JSON.stringify(plainDetection(d))) as typeof d
    expect(plain.scaleMaps[0]!.data).toEqual([...d.scaleMaps[0]!.data])
    expect(await detector.detect(wide)).not.toHaveProperty('scaleMaps')
  })

  it('are not in the type', async () => {
    const all = await detector.detect(image, { falsePositiveRate: 0.1 })
    expectTypeOf(all).toExtend<Detection>()
    const [scored] = await detector.detectBatch([image], { parts: { contributions: false } })
    expectTypeOf(scored!).toExtend<Pick<Detection, 'anomalyMap' | 'score'>>()
    expectTypeOf(scored!).not.toHaveProperty('contributions')
    const parts: Parts = {}
    expectTypeOf(await detector.detect(image, { parts })).toExtend<Partial<Detection>>()
    expectTypeOf<DetectionOf<Parts>>().not.toExtend<Detection>()
  })

  it('of a batch do not hold each other in memory', async () => {
    const batch = await detector.detectBatch([image, image, image])
    for (const { anomalyMap } of batch) expect(anomalyMap.data.buffer.byteLength).toBe(4 * 1024)
  })
})

describe('after release', () => {
  it('work that has begun ends, and nothing new begins', async () => {
    const short = await loadDetector(toyDetector())
    const begun = short.detect(await encodePng(noise(1, 16, 16)))
    await Promise.all([short.release(), short.release()])
    expect((await begun).score).toBeGreaterThan(0)
    await expect(short.detect(noise(1, 8, 8))).rejects.toMatchObject({ code: 'USAGE' })
    await expect(short.detectBatch([])).rejects.toMatchObject({ code: 'USAGE' })
  })
})

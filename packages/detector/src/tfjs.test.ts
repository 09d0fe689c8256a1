import { messageOf } from '@cflow/base'
import { noise, toyDetector } from '@cflow/core/testing'
import { describe, expect, it } from 'vitest'
import { loadDetector } from './index.node.js'

/** Within reach of every aggregation. */
const threshold = 1
const images = [noise(1, 32, 32), noise(2, 71, 20), noise(3, 33, 90), noise(4, 32, 32)]

describe.each(['cpu', 'wasm', 'tensorflow'])('a detector on TensorFlow.js (%s)', async (device) => {
  const loaded = loadDetector(toyDetector(), { device: `tfjs:${device}` })
  const missing =
    device === 'tensorflow' ? await loaded.then(() => undefined, messageOf) : undefined

  it.for(['joint', 'paper', 'standardised'] as const)(
    'gives the scores and maps of onnxruntime (%s)',
    async (aggregation, context) => {
      if (missing !== undefined) return context.skip(missing)
      const file = toyDetector({ aggregation })
      const onnx = await loadDetector(file)
      const detector = await loadDetector(file, { device: `tfjs:${device}` })
      expect(detector.runtime).toBe(`tfjs (${device})`)
      const [expected, got] = [
        await onnx.detectBatch(images, { threshold }),
        await detector.detectBatch(images, { threshold }),
      ]
      expected.forEach(({ score, anomalyMap, anomalous }, i) => {
        expect(Math.abs(got[i]!.score - score) / Math.abs(score)).toBeLessThan(1e-4)
        expect(got[i]!.anomalous).toBe(anomalous)
        const most = Math.max(...anomalyMap.data.map(Math.abs))
        anomalyMap.data.forEach((v, p) =>
          expect(Math.abs(got[i]!.anomalyMap.data[p]! - v)).toBeLessThan(1e-4 * most),
        )
      })
      for (const d of [onnx, detector]) await d.release()
    },
  )
})

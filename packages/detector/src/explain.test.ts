import { describe, expect, it } from 'vitest'
import { explain, type Detection } from './detection.js'

describe('explain', () => {
  const detection = (changes: Partial<Detection>): Detection => ({
    score: 12.3456,
    threshold: 9.1,
    anomalous: true,
    falsePositiveRate: 0.05,
    guaranteed: true,
    pValue: 0.01,
    anomalyMap: { width: 0, height: 0, data: new Float32Array() },
    contributions: [0.1, 0.2, 0.7].map((share, k) => ({
      tap: `t${k}`,
      stride: 8 * 2 ** k,
      value: 1,
      share,
    })),
    milliseconds: 1,
    ...changes,
  })

  it('says it in a sentence', () => {
    expect(explain(detection({}))).toBe(
      'score 12.3 is above the threshold 9.1 (false-positive rate 5 %); mostly the coarse scale (stride 32)',
    )
    expect(explain(detection({ score: -1234, anomalous: false, guaranteed: false }))).toBe(
      'score -1230 is not above the threshold 9.1 (false-positive rate 5 %, not guaranteed)',
    )
    const even = detection({}).contributions.map((c) => ({ ...c, share: 1 / 3 }))
    expect(explain(detection({ contributions: even }))).toMatch(/; all scales have a part in it$/)
    expect(explain(detection({ contributions: [] }))).toMatch(/\)$/)
    const { contributions, ...without } = detection({})
    expect(contributions.length).toBe(3)
    expect(explain(without)).toMatch(/\)$/)
  })
})

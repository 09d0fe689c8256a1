import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { connectedComponents } from './components.js'
import { auroc, PixelMetrics } from './index.js'
import type { FloatArray } from './scores.js'

/** Reference numbers computed in Python, float64. */
const golden = JSON.parse(
  readFileSync(new URL('../fixtures/metrics.json', import.meta.url), 'utf8'),
) as {
  readonly [T in 'one_col' | 'three_cols' | 'both']: {
    readonly expected: number
    readonly mvtec_ref_100: number
    readonly exact: number
    readonly cflow_ad_1000: number
  }
} & {
  readonly lcg_case: {
    readonly seed: number
    readonly first3: readonly number[]
    readonly auroc: number
    readonly image_auroc: number
    readonly img_scores: readonly number[]
    readonly 'aupro_exact_0.3_8conn': number
    readonly aupro_cflow_ad_1000: number
    readonly cflow_last_fpr: number
    readonly aupro_mvtec_ref_100: number
    readonly aupro_mvtec_ref_10000: number
    readonly n_regions_8conn: number
    readonly n_regions_4conn: number
  }
}

const size = 16

/** Rows and columns inclusive, filled with a value. */
function fill(mask: Uint8Array, rows: [number, number], cols: [number, number], value = 1): void {
  for (let y = rows[0]; y <= rows[1]; y++)
    for (let x = cols[0]; x <= cols[1]; x++) mask[y * size + x] = value
}

function lcgCase(): { readonly masks: readonly Uint8Array[]; readonly maps: Float64Array[] } {
  const masks = [0, 1, 2].map(() => new Uint8Array(size * size)) as [
    Uint8Array,
    Uint8Array,
    Uint8Array,
  ]
  fill(masks[0], [2, 5], [3, 8])
  fill(masks[0], [10, 12], [10, 13])
  fill(masks[1], [0, 2], [0, 2])
  fill(masks[1], [5, 5], [5, 5])
  fill(masks[1], [6, 6], [6, 6])
  fill(masks[1], [12, 15], [1, 14])
  fill(masks[1], [13, 14], [4, 7], 0)
  let s = golden.lcg_case.seed
  const maps = masks.map((mask) =>
    Float64Array.from(mask, (value) => {
      s = (Math.imul(1664525, s) + 1013904223) >>> 0
      return s / 2 ** 32 + 0.6 * value
    }),
  )
  return { masks, maps }
}

function gather(
  maps: readonly FloatArray[],
  masks: readonly Uint8Array[],
  width: number,
  height: number,
): PixelMetrics {
  const metrics = new PixelMetrics()
  maps.forEach((map, i) => {
    metrics.add(map, masks[i]!, width, height)
  })
  return metrics
}

it('agrees with the reference on three images with holes, corners and an empty mask', () => {
  const expected = golden.lcg_case
  const { masks, maps } = lcgCase()
  expected.first3.forEach((value, i) => {
    expect(maps[0]![i]).toBeCloseTo(value, 14)
  })
  const metrics = gather(maps, masks, size, size)
  expect(metrics.counts.regions).toBe(expected.n_regions_8conn)
  const four = masks.map((mask) => connectedComponents(mask, size, size, 4).count)
  expect(four.reduce((a, b) => a + b)).toBe(expected.n_regions_4conn)
  const images = maps.map((map) => Math.max(...map))
  images.forEach((score, i) => {
    expect(score).toBeCloseTo(expected.img_scores[i]!, 12)
  })
  expect(auroc(images, [1, 1, 0])).toBe(expected.image_auroc)
  expect(metrics.auroc()).toBeCloseTo(expected.auroc, 9)
  expect(metrics.aupro()).toBeCloseTo(expected['aupro_exact_0.3_8conn'], 9)
  const cflow = { protocol: 'cflow-ad' } as const
  expect(metrics.aupro(0.3, cflow)).toBeCloseTo(expected.aupro_cflow_ad_1000, 9)
  expect(metrics.proCurve({ limit: 0.3, ...cflow }).fpr.at(-1)).toBeCloseTo(
    expected.cflow_last_fpr,
    9,
  )
  const mvtec = { protocol: 'mvtec-3d' } as const
  expect(metrics.aupro(0.3, mvtec)).toBeCloseTo(expected.aupro_mvtec_ref_100, 9)
  expect(metrics.aupro(0.3, { ...mvtec, thresholds: 10000 })).toBeCloseTo(
    expected.aupro_mvtec_ref_10000,
    9,
  )
})

it('agrees with the reference in float32 as far as its rounding allows', () => {
  const { masks, maps } = lcgCase()
  const single = maps.map((map) => Float32Array.from(map))
  const metrics = gather(single, masks, size, size)
  expect(metrics.auroc()).toBeCloseTo(golden.lcg_case.auroc, 9)
  expect(metrics.aupro()).toBeCloseTo(golden.lcg_case['aupro_exact_0.3_8conn'], 9)
})

/** anomalib's test of AUPRO: 400 × 7 scores rising by rows, whole columns anomalous, limit 1/3. */
it('agrees with the reference on columns, where the curve is the diagonal', () => {
  const columns = [[3], [1, 3, 5]].map((anomalous) =>
    Uint8Array.from({ length: 2800 }, (_, i) => (anomalous.includes(i % 7) ? 1 : 0)),
  )
  const map = Float64Array.from({ length: 2800 }, (_, i) => i / 2800)
  const cases = { one_col: [columns[0]!], three_cols: [columns[1]!], both: columns } as const
  for (const name of ['one_col', 'three_cols', 'both'] as const) {
    const masks = cases[name]
    const metrics = gather(
      masks.map(() => map),
      masks,
      7,
      400,
    )
    const limit = 1 / 3
    expect(metrics.aupro(limit)).toBeCloseTo(golden[name].exact, 9)
    expect(Math.abs(metrics.aupro(limit) - golden[name].expected)).toBeLessThan(2e-6)
    expect(metrics.aupro(limit, { protocol: 'mvtec-3d' })).toBeCloseTo(
      golden[name].mvtec_ref_100,
      9,
    )
    expect(metrics.aupro(limit, { protocol: 'cflow-ad' })).toBeCloseTo(
      golden[name].cflow_ad_1000,
      9,
    )
  }
})

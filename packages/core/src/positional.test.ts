import { expect, it } from 'vitest'
import { flat, golden } from '../test/golden.js'
import { positionalEncoding } from './positional.js'

const g = golden('flow')

it('agrees with the reference, D = 8 on 3×4', () => {
  const [d, h, w] = g.pe_D8_H3_W4.shape as [number, number, number]
  const ours = positionalEncoding(h, w, d)
  // the reference is float32 [D, H, W]
  flat(g.pe_D8_H3_W4.data).forEach((v, i) => {
    const channel = Math.floor(i / (h * w))
    expect(ours[(i % (h * w)) * d + channel]).toBeCloseTo(v, 6)
  })
})

it('agrees with the reference, D = 128 on 8×8', () => {
  const ours = positionalEncoding(8, 8)
  expect(ours.reduce((a, b) => a + b, 0)).toBeCloseTo(g.pe_D128_H8_W8.sum, 3)
  expect(ours.reduce((a, b) => a + b * b, 0)).toBeCloseTo(g.pe_D128_H8_W8.sumsq, 3)
  for (const [key, v] of Object.entries(g.pe_D128_H8_W8.at)) {
    const [channel, h, w] = key.split(',').map(Number) as [number, number, number]
    expect(ours[(h * 8 + w) * 128 + channel]).toBeCloseTo(v, 6)
  }
})

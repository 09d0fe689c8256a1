import { Random } from '@cflow/base'
import { expect, it } from 'vitest'
import { principalPlane } from './principal.js'

it('finds the plane in which the rows spread most', () => {
  const random = Random.seeded(1)
  // deviations 5, 3 and 0.1 along (1,1,0)/√2, (1,−1,0)/√2 and the third axis, around (10, 0, 7)
  const rows = Array.from({ length: 4000 }, () => {
    const [a, b] = [5 * random.normal(), 3 * random.normal()]
    return Float32Array.of(
      10 + (a + b) / Math.SQRT2,
      (a - b) / Math.SQRT2,
      7 + 0.1 * random.normal(),
    )
  })
  const project = principalPlane(rows)
  const [centre] = project([Float32Array.of(10, 0, 7)])
  expect(Math.hypot(...centre!)).toBeLessThan(0.4)
  const [[x, y]] = project([Float32Array.of(10 + 6, 6, 7)]) as [[number, number]]
  expect(Math.abs(x)).toBeCloseTo(6 * Math.SQRT2, 0)
  expect(Math.abs(y)).toBeLessThan(1)
})

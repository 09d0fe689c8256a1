import { describe, expect, it } from 'vitest'
import { concat, exp, input, split, topologicalOrder, type Value } from '../index.js'

const typeOf = ({ node }: Value) => node.kind === 'operator' && node.operator.type

describe('split', () => {
  const a = input('a', 'float32', ['n', 2])
  const b = exp(input('b', 'float32', ['n', 3]))

  it('gives back what concat joined of the same parts, whichever way the axis is counted', () => {
    for (const [joined, cut] of [
      [1, 1],
      [-1, 1],
      [1, -1],
    ] as const)
      // prettier-ignore
      for (const [i, part] of split(concat([a, b], joined), [2, 3], cut).entries())
        expect(part).toBe([a, b][i])
  })

  it('cuts what was joined of other parts, along another axis, or into another number', () => {
    const rows = input('rows', 'float32', [2, 4])
    for (const parts of [
      split(concat([a, b], 1), [3, 2], 1),
      split(concat([a, b], 1), [2, 2, 1], 1),
      split(concat([rows, rows], 1), [1, 1], 0),
      split(exp(concat([a, b], 1)), [2, 3], 1),
    ])
      for (const part of parts) expect(typeOf(part)).toBe('Split')
  })

  it('cuts into many parts in steps: a GPU may have eight buffers, one of them for what is cut', () => {
    const sizes = Array.from({ length: 60 }, (_, i) => (i % 3) + 1)
    const whole = input('whole', 'float32', [sizes.reduce((sum, size) => sum + size, 0)])
    const parts = split(whole, sizes, 0)
    expect(parts.map(({ shape }) => shape)).toEqual(sizes.map((size) => [size]))
    const cuts = topologicalOrder(parts).filter((node) => node.kind === 'operator')
    for (const { operator, outputs } of cuts)
      if (operator.type === 'Split') expect(outputs.length).toBeLessThanOrEqual(7)
  })
})

import { describe, expect, it } from 'vitest'
import { concat, exp, input, split, type Value } from '../index.js'

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
})

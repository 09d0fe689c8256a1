import { apply } from '../operator.js'
import type { Operator } from '../operator.js'
import { broadcast, sameDType } from '../shapes.js'
import { scalar } from '../value.js'
import type { Value } from '../value.js'
import { sumTo } from './reduction.js'

function comparison(type: string): Operator {
  return {
    type,
    infer: (inputs) => {
      sameDType(type, inputs)
      return [
        {
          dtype: 'bool',
          shape: broadcast((inputs[0] as Value).shape, (inputs[1] as Value).shape),
        },
      ]
    },
  }
}
export const Equal = comparison('Equal')
export const Less = comparison('Less')
export const Greater = comparison('Greater')
export const And = comparison('And')

export const Where: Operator = {
  type: 'Where',
  infer: (inputs) => {
    const [c, a, b] = inputs as readonly Value[]
    return [
      {
        dtype: sameDType('Where', [a, b]),
        shape: broadcast((c as Value).shape, broadcast((a as Value).shape, (b as Value).shape)),
      },
    ]
  },
  gradient: (node, [g]) => {
    if (!g) return []
    const [c, a, b] = node.inputs as readonly [Value, Value, Value]
    const zero = scalar(0, g.dtype)
    return [undefined, sumTo(where(c, g, zero), a), sumTo(where(c, zero, g), b)]
  },
}

export const equal = (a: Value, b: Value): Value => apply(Equal, [a, b])
export const less = (a: Value, b: Value): Value => apply(Less, [a, b])
export const greater = (a: Value, b: Value): Value => apply(Greater, [a, b])
export const and = (a: Value, b: Value): Value => apply(And, [a, b])
export const where = (condition: Value, a: Value, b: Value): Value =>
  apply(Where, [condition, a, b])

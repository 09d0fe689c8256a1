import { apply, type One } from '../operator.js'
import { broadcast, sameDType } from '../shapes.js'
import { scalar, type Operator, type Value } from '../value.js'

function comparison(type: string): Operator {
  return {
    type,
    infer: (inputs) => {
      sameDType(type, inputs)
      const [a, b] = inputs as readonly [Value, Value]
      return [{ dtype: 'bool', shape: broadcast(a.shape, b.shape) }]
    },
  }
}
export const Equal = comparison('Equal')
export const Less = comparison('Less')
export const Greater = comparison('Greater')
export const And = comparison('And')

export const Where: Operator = {
  type: 'Where',
  broadcasts: true,
  infer: (inputs) => {
    const [c, a, b] = inputs as readonly [Value, Value, Value]
    const shape = broadcast(c.shape, broadcast(a.shape, b.shape))
    return [{ dtype: sameDType('Where', [a, b]), shape }]
  },
  gradient: ({ inputs }, [g]: One) => {
    const c = inputs[0] as Value
    const zero = scalar(0, g.dtype)
    return [undefined, where(c, g, zero), where(c, zero, g)]
  },
}

export const equal = (a: Value, b: Value): Value => apply(Equal, [a, b])
export const less = (a: Value, b: Value): Value => apply(Less, [a, b])
export const where = (condition: Value, a: Value, b: Value): Value =>
  apply(Where, [condition, a, b])

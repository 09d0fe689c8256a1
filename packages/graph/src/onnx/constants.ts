import { floats } from '@cflow/base'
import { constant, int64s, scalar } from '../value.js'
import type { Attributes, Value } from '../value.js'

/** The value of a Constant node, in whichever attribute it is; undefined for one that is no tensor of numbers. */
export function constantNode(attributes: Attributes, name: string): Value | undefined {
  for (const a of Object.values(attributes))
    switch (a.kind) {
      case 'tensor':
        return constant(a.value, name)
      case 'float':
        return constant(floats('float32', [], [a.value]), name)
      case 'floats':
        return constant(floats('float32', [a.value.length], a.value), name)
      case 'int':
        return scalar(a.value, 'int64')
      case 'ints':
        return int64s(a.value)
    }
  return undefined
}

import type { DType } from '@cflow/base'
import { dtypeNumbered } from '../element-types.js'
import type { Form } from './upgrade.js'

const integers = ['Shape', 'Size', 'NonZero', 'ArgMax', 'ArgMin', 'Multinomial']
const truths = [
  'Equal',
  'Less',
  'Greater',
  'LessOrEqual',
  'GreaterOrEqual',
  'Not',
  'And',
  'Or',
  'Xor',
  'IsNaN',
  'IsInf',
]

/** Element type of what an operator gives, as far as it follows from its name and inputs; most keep their input's. */
export function resultType({ type, inputs, attributes }: Form, output: number): DType {
  const value = attributes['value']
  const to = attributes['to']
  if (integers.includes(type) || (type === 'TopK' && output === 1)) return 'int64'
  if (truths.includes(type)) return 'bool'
  if (type === 'Cast' && to?.kind === 'int') return dtypeNumbered(to.value) ?? 'float32'
  if (type === 'ConstantOfShape') return value?.kind === 'tensor' ? value.value.dtype : 'float32'
  if (type === 'OneHot') return inputs[2]?.dtype ?? 'float32'
  if (type === 'Where') return inputs[1]?.dtype ?? 'float32'
  if (type === 'DequantizeLinear') return inputs[1]?.dtype ?? 'float32'
  if (type === 'QuantizeLinear') return inputs[2]?.dtype ?? 'uint8'
  return inputs[0]?.dtype ?? 'float32'
}

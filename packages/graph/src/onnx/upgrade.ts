import type { DType } from '@cflow/base'
import { dtypeNumbered } from '../element-types.js'
import { attribute } from '../operator.js'
import type { Attributes, Inputs, Value } from '../value.js'
import { constantOfAttribute } from './attributes.js'

/** An operator as it stands in a file. */
export interface Form {
  readonly type: string
  readonly inputs: Inputs
  readonly attributes: Attributes
}

/** Attributes that became inputs, after the first one, and the operator set in which they did. */
const moved = new Map<string, readonly [set: number, ...names: string[]]>([
  ['Squeeze', [13, 'axes']],
  ['Unsqueeze', [13, 'axes']],
  ['ReduceSum', [13, 'axes']],
  ['Split', [13, 'split']],
  ['Slice', [10, 'starts', 'ends', 'axes']],
  ['Pad', [11, 'pads', 'value']],
  ['Clip', [11, 'min', 'max']],
])

/**
 * An operator of the standard set in the form that set 18 gives it: what used to be attributes become inputs, and
 * operators that were replaced become those that replaced them. Sets before 7 are not covered.
 * @param opset set of the file it comes from
 * @param outputs number of its outputs
 */
export function upgraded(form: Form, opset: number, outputs: number): Form {
  const { type } = form
  if (opset >= 18) return form
  const [set, ...names] = moved.get(type) ?? (type.startsWith('Reduce') ? [18, 'axes'] : [0])
  const { inputs, attributes } = opset < set ? withInputsFrom(form, names) : form
  const having = (more: Attributes): Form => ({ type, inputs, attributes: { ...attributes, ...more } }) // prettier-ignore
  if (type === 'Split' && !inputs[1]) return having({ num_outputs: attribute.int(outputs) })
  if (type === 'Dropout' && opset < 12) return { ...form, attributes: {} }
  if (type === 'BatchNormalization' && opset < 9)
    return { ...form, attributes: without(attributes, ['spatial']) }
  if (/^(Log)?Softmax$/.test(type) && opset < 13 && !attributes['axis'])
    return having({ axis: attribute.int(1) })
  if (type === 'Resize' && opset < 11) return resize(inputs[0], inputs[1], attributes)
  if (type === 'Upsample') {
    const { scales } = attributes
    return resize(inputs[0], scales ? constantOfAttribute(scales) : inputs[1], attributes)
  }
  return { type, inputs, attributes }
}

/** Attributes in the place of the inputs that they became, after the first. */
function withInputsFrom(form: Form, names: readonly string[]): Form {
  const values = names.map((name) => form.attributes[name]).map((a) => a && constantOfAttribute(a))
  if (values.every((v) => v === undefined)) return form
  const inputs = [form.inputs[0], ...values]
  return { type: form.type, inputs, attributes: without(form.attributes, names) }
}

/** Resize as it was before set 11: corners of pixels, not their centres, are scaled. */
function resize(x: Value | undefined, scales: Value | undefined, attributes: Attributes): Form {
  return {
    type: 'Resize',
    inputs: [x, undefined, scales],
    attributes: {
      ...without(attributes, ['scales']),
      coordinate_transformation_mode: attribute.string('asymmetric'),
      nearest_mode: attribute.string('floor'),
    },
  }
}

const without = (attributes: Attributes, names: readonly string[]): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)))

const integers = /^(Shape|Size|NonZero|ArgMax|ArgMin|Multinomial)$/
const truths = /^(Equal|Less|Greater|LessOrEqual|GreaterOrEqual|Not|And|Or|Xor|IsNaN|IsInf)$/

/** Element type of what an operator gives, as far as it follows from its name and inputs; most keep their input's. */
export function resultType({ type, inputs, attributes }: Form, output: number): DType {
  const value = attributes['value']
  const to = attributes['to']
  if (integers.test(type) || (type === 'TopK' && output === 1)) return 'int64'
  if (truths.test(type)) return 'bool'
  if (type === 'Cast' && to?.kind === 'int') return dtypeNumbered(to.value) ?? 'float32'
  if (type === 'ConstantOfShape') return value?.kind === 'tensor' ? value.value.dtype : 'float32'
  if (type === 'OneHot') return inputs[2]?.dtype ?? 'float32'
  if (type === 'Where') return inputs[1]?.dtype ?? 'float32'
  if (type === 'DequantizeLinear') return inputs[1]?.dtype ?? 'float32'
  if (type === 'QuantizeLinear') return inputs[2]?.dtype ?? 'uint8'
  return inputs[0]?.dtype ?? 'float32'
}

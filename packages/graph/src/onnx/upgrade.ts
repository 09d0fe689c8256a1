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

/** The first operator set in which a reduction's `axes` is an input. */
const reductionAxes = (type: string): number => (type === 'ReduceSum' ? 13 : 18)

/**
 * An operator of the standard set in the form that set 18 gives it: what used to be attributes become inputs, and
 * operators that were replaced become those that replaced them. Sets before 7 are not covered.
 * @param opset set of the file it comes from
 * @param outputs number of its outputs
 */
export function upgraded(form: Form, opset: number, outputs: number): Form {
  const { type, inputs, attributes } = form
  if (opset >= 18) return form
  if (type === 'Squeeze' || type === 'Unsqueeze')
    return opset < 13 ? inputsOf(form, ['axes']) : form
  if (type.startsWith('Reduce'))
    return opset < reductionAxes(type) ? inputsOf(form, ['axes']) : form
  switch (type) {
    case 'Split': {
      const split = opset < 13 ? inputsOf(form, ['split']) : form
      if (split.inputs[1]) return split
      return { ...split, attributes: { ...split.attributes, num_outputs: attribute.int(outputs) } }
    }
    case 'Slice':
      return opset < 10 ? inputsOf(form, ['starts', 'ends', 'axes']) : form
    case 'Pad':
      return opset < 11 ? inputsOf(form, ['pads', 'value']) : form
    case 'Clip':
      return opset < 11 ? inputsOf(form, ['min', 'max']) : form
    case 'Dropout':
      return opset < 12 ? { ...form, attributes: {} } : form
    case 'BatchNormalization':
      return opset < 9 ? { ...form, attributes: without(attributes, ['spatial']) } : form
    case 'Softmax':
    case 'LogSoftmax':
      return opset < 13 && !attributes['axis']
        ? { ...form, attributes: { ...attributes, axis: attribute.int(1) } }
        : form
    case 'Resize':
      return opset < 11 ? resize(inputs[0], inputs[1], attributes) : form
    case 'Upsample': {
      const { scales } = attributes
      return resize(inputs[0], scales ? constantOfAttribute(scales) : inputs[1], attributes)
    }
    default:
      return form
  }
}

/** Attributes in the place of the inputs that they became, after the first. */
function inputsOf(form: Form, names: readonly string[]): Form {
  const values = names.map((name) => form.attributes[name]).map((a) => a && constantOfAttribute(a))
  if (values.every((v) => v === undefined)) return form
  return {
    type: form.type,
    inputs: [form.inputs[0], ...values],
    attributes: without(form.attributes, names),
  }
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

import { constant, int64s, scalar, type Attributes, type Inputs, type Value } from '../value.js'
import { floats, type DType } from '@cflow/base'
import { dtypeNumbered, onnxType } from '../element-types.js'
import {
  attribute,
  floatAttribute,
  intAttribute,
  intsAttribute,
  stringAttribute,
} from '../operator.js'
import { constantOfAttribute } from './attributes.js'

/** An operator as it stands in a file. */
export interface Form {
  readonly type: string
  readonly inputs: Inputs
  readonly attributes: Attributes
}

/** Puts a node into the graph, in the form that set 18 gives it. @returns its outputs, one unless told */
export type Put = (
  type: string,
  inputs: Inputs,
  attributes: Attributes,
  outputs?: number,
) => readonly Value[]

/** What an operator of an older set is now: the same node in another form, or the values that other nodes make. */
type Rule = (form: Form, context: Context) => Form | readonly Value[]

interface Context {
  readonly opset: number
  readonly outputs: number
  readonly put: Put
}

/**
 * An operator of the standard set in the form that set 18 gives it: what used to be attributes become inputs, operators
 * that were replaced become those that replaced them, and those whose meaning changed become what they were, made of
 * others. Sets before 7 are not covered.
 * @param opset set of the file it comes from
 * @param outputs number of its outputs
 */
export function upgraded(
  form: Form,
  opset: number,
  outputs: number,
  put: Put,
): Form | readonly Value[] {
  const { type } = form
  if (opset >= 18) return form
  const [set, ...names] = moved.get(type) ?? (type.startsWith('Reduce') ? [18, 'axes'] : [0])
  const current = opset < set ? withInputsFrom(form, names, put) : form
  const [before = 0, rule] = rules.get(type) ?? []
  return rule && opset < before ? rule(current, { opset, outputs, put }) : current
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

/** Operators that are something else now, and the set since which they are. */
const rules = new Map<string, readonly [before: number, rule: Rule]>([
  ['Split', [18, split]],
  ['TopK', [10, topK]],
  ['Dropout', [12, dropout]],
  ['BatchNormalization', [14, batchNorm]],
  ['Softmax', [13, flattened]],
  ['LogSoftmax', [13, flattened]],
  ['Hardmax', [13, flattened]],
  ['Resize', [11, ({ inputs: [x, scales], attributes }, { put }) => resize(x, scales, attributes, put)]], // prettier-ignore
  ['Upsample', [18, upsample]],
  ['Scatter', [18, (form) => ({ ...form, type: 'ScatterElements' })]],
  ['RoiAlign', [16, (form) => defaulted(form, { coordinate_transformation_mode: attribute.string('output_half_pixel') })]], // prettier-ignore
  ['MeanVarianceNormalization', [18, meanVariance]],
  ['Affine', [18, arithmetic]],
  ['ScaledTanh', [18, arithmetic]],
  ['ParametricSoftplus', [18, arithmetic]],
  ['ImageScaler', [18, imageScaler]],
  ['Crop', [18, crop]],
  ['DynamicSlice', [18, (form) => ({ ...form, type: 'Slice' })]],
])

const one = (values: readonly Value[]): Value => values[0] as Value

const defaulted = (form: Form, more: Attributes): Form => ({
  ...form,
  attributes: { ...more, ...form.attributes },
})

/** Attributes in the place of the inputs that they became, after the first; numbers are of its type. */
function withInputsFrom(form: Form, names: readonly string[], put: Put): Form {
  const [x] = form.inputs
  const values = names.map((name) => {
    const a = form.attributes[name]
    return a?.kind === 'float' ? numberLike(x, a.value, put) : a && constantOfAttribute(a)
  })
  if (values.every((v) => v === undefined)) return form
  const inputs = [x, ...values]
  return { type: form.type, inputs, attributes: without(form.attributes, names) }
}

/** A number of the type of a value. */
function numberLike(x: Value | undefined, value: number, put: Put): Value {
  const type = x?.dtype ?? 'float32'
  return type === 'float32' ? scalar(value) : castTo(scalar(value), type, put)
}

const castTo = (x: Value | undefined, type: DType, put: Put): Value =>
  one(put('Cast', [x], { to: attribute.int(onnxType[type]) }))

/** In equal parts, where it does not say how large they are. */
function split(form: Form, { outputs }: { readonly outputs: number }): Form {
  return form.inputs[1] ? form : defaulted(form, { num_outputs: attribute.int(outputs) })
}

function topK({ inputs, attributes }: Form): Form {
  const k = int64s([intAttribute(attributes, 'k', 1)])
  return { type: 'TopK', inputs: [inputs[0], k], attributes: without(attributes, ['k']) }
}

/** Nothing but its input before set 12, whatever the ratio, with a mask of zeros of the input's type before set 10. */
function dropout({ inputs: [x] }: Form, { opset, outputs, put }: Context) {
  const all = put('Dropout', [x], {}, outputs)
  if (outputs < 2) return all
  const mask = one(put('Not', [all[1]], {}))
  return [one(all), opset >= 10 ? mask : castTo(mask, x?.dtype ?? 'float32', put)]
}

/**
 * With `spatial` 0, statistics of every position (set 7 only). With more than one output it is left in training mode,
 * which was said that way before set 14.
 */
function batchNorm(form: Form, { opset, outputs, put }: Context) {
  const { inputs, attributes } = form
  const kept = without(attributes, ['spatial'])
  const [x, scale, bias, mean, variance] = inputs
  if (outputs > 1) {
    const training = { ...kept, training_mode: attribute.int(1) }
    const now = put('BatchNormalization', inputs, training, Math.min(outputs, 3))
    return outputs > 3 ? [...now, ...statistics(x, attributes, put)] : now
  }
  if (opset >= 9 || intAttribute(attributes, 'spatial', 1) === 1)
    return { ...form, attributes: kept }
  const calc = calculator(put)
  const small = numberLike(x, floatAttribute(attributes, 'epsilon', 1e-5), put)
  const standard = calc('Div', calc('Sub', x, mean), calc('Sqrt', calc('Add', variance, small)))
  return [calc('Add', calc('Mul', standard, scale), bias)]
}

/** Mean of every channel, and what runtimes keep of its deviation: 1/√(variance + ε). */
function statistics(x: Value | undefined, attributes: Attributes, put: Put): readonly Value[] {
  const calc = calculator(put)
  const rows = calc('Reshape', x, int64s([0, 0, -1]))
  const mean = (v: Value, keepdims: 0 | 1) =>
    one(put('ReduceMean', [v, int64s([0, 2])], { keepdims: attribute.int(keepdims) }))
  const off = calc('Sub', rows, mean(rows, 1))
  const small = numberLike(x, floatAttribute(attributes, 'epsilon', 1e-5), put)
  const deviation = calc('Sqrt', calc('Add', mean(calc('Mul', off, off), 0), small))
  return [mean(rows, 0), calc('Reciprocal', deviation)]
}

const calculator =
  (put: Put) =>
  (type: string, ...operands: Inputs): Value =>
    one(put(type, operands, {}))

/** Over all axes from `axis` on, flattened to one. */
function flattened({ type, inputs: [x], attributes }: Form, { put }: Context) {
  const axis = intAttribute(attributes, 'axis', 1)
  const shape = one(put('Shape', [x], {}))
  const rows = one(put('Flatten', [x], { axis: attribute.int(axis) }))
  const result = one(put(type, [rows], { axis: attribute.int(-1) }))
  return put('Reshape', [result, shape], {})
}

/**
 * Resize as it was before set 11: corners of pixels, not their centres, are scaled, and the nearest pixel is the one
 * below where an axis grows, the one above where it shrinks.
 */
function resize(
  x: Value | undefined,
  scales: Value | undefined,
  attributes: Attributes,
  put: Put,
): readonly Value[] {
  const mode = stringAttribute(attributes, 'mode', 'nearest')
  const step = (from: Value | undefined, factors: Value | undefined, nearest: string) =>
    put('Resize', [from, undefined, factors], {
      mode: attribute.string(mode),
      coordinate_transformation_mode: attribute.string('asymmetric'),
      nearest_mode: attribute.string(nearest),
    })
  if (mode !== 'nearest') return step(x, scales, 'floor')
  const factors = scales?.node.kind === 'constant' ? [...(scales.node.tensor.data as Float32Array)] : undefined // prettier-ignore
  if (factors?.every((f) => f >= 1)) return step(x, scales, 'floor')
  if (factors?.every((f) => f <= 1)) return step(x, scales, 'ceil')
  const bounded = (type: string) => one(put(type, [scales, scalar(1)], {}))
  return step(one(step(x, bounded('Min'), 'ceil')), bounded('Max'), 'floor')
}

function upsample({ inputs, attributes }: Form, { put }: Context) {
  const { scales } = attributes
  return resize(inputs[0], scales ? constantOfAttribute(scales) : inputs[1], attributes, put)
}

/** Before set 9 over the images too, and without division where it says so. */
function meanVariance(form: Form, { opset, put }: Context) {
  const { inputs, attributes } = form
  const [x] = inputs
  const across = intAttribute(attributes, 'across_channels', 0) === 1
  const axes = intsAttribute(attributes, 'axes', opset < 9 && across ? [0, 1, 2, 3] : [0, 2, 3])
  if (opset < 9 && intAttribute(attributes, 'normalize_variance', 1) === 0) {
    const mean = one(put('ReduceMean', [x, int64s(axes)], {}))
    return put('Sub', [x, mean], {})
  }
  const now = { type: form.type, attributes: { axes: attribute.ints(axes) } }
  if (x?.dtype !== 'float16') return { ...now, inputs }
  // what runtimes make of it now does not take half precision
  const wide = one(put(now.type, [castTo(x, 'float32', put)], now.attributes))
  return [castTo(wide, 'float16', put)]
}

/** Operators that were dropped in set 10: arithmetic with numbers in attributes. */
function arithmetic({ type, inputs: [x], attributes }: Form, { put }: Context) {
  const calc = calculator(put)
  const number = (name: string, otherwise: number) =>
    numberLike(x, floatAttribute(attributes, name, otherwise), put)
  const [alpha, beta] = [number('alpha', 1), number('beta', type === 'Affine' ? 0 : 1)]
  if (type === 'Affine') return [calc('Add', calc('Mul', x, alpha), beta)]
  if (type === 'ScaledTanh') return [calc('Mul', alpha, calc('Tanh', calc('Mul', x, beta)))]
  return [calc('Mul', alpha, calc('Softplus', calc('Mul', x, beta)))]
}

function imageScaler({ inputs: [x], attributes }: Form, { put }: Context) {
  const calc = calculator(put)
  const bias = attributes['bias']
  const values = bias?.kind === 'floats' ? bias.value : []
  const shift = constant(floats('float32', [1, values.length, 1, 1], values))
  const type = x?.dtype ?? 'float32'
  const added = type === 'float32' ? shift : castTo(shift, type, put)
  return [calc('Add', calc('Mul', x, numberLike(x, floatAttribute(attributes, 'scale', 1), put)), added)] // prettier-ignore
}

/** The rows and columns within borders (left, top, right, bottom), or as many as `scale` says from left and top on. */
function crop({ inputs: [x], attributes }: Form): Form {
  const [left = 0, top = 0, right = 0, bottom = 0] = intsAttribute(attributes, 'border', [])
  const [height, width] = intsAttribute(attributes, 'scale', [])
  const end = (start: number, size: number | undefined, border: number) =>
    size === undefined ? (border === 0 ? Number.MAX_SAFE_INTEGER : -border) : start + size
  const ends = int64s([end(top, height, bottom), end(left, width, right)])
  return { type: 'Slice', inputs: [x, int64s([top, left]), ends, int64s([2, 3])], attributes: {} }
}

const without = (attributes: Attributes, names: readonly string[]): Attributes =>
  Object.fromEntries(Object.entries(attributes).filter(([name]) => !names.includes(name)))

/** Element types of the outputs of operators that give others than their first input's; the last stands for the rest. */
const resultTypes = new Map<string, readonly (DType | 'first')[]>([
  ...['Shape', 'Size', 'NonZero', 'ArgMax', 'ArgMin', 'NonMaxSuppression'].map((t) => [t, ['int64']] as const), // prettier-ignore
  ...['Equal', 'Less', 'Greater', 'LessOrEqual', 'GreaterOrEqual', 'Not', 'And', 'Or', 'Xor', 'IsNaN', 'IsInf'].map((t) => [t, ['bool']] as const), // prettier-ignore
  ['TopK', ['first', 'int64']],
  ['MaxPool', ['first', 'int64']],
  ['Unique', ['first', 'int64']],
  ['Dropout', ['first', 'bool']],
  ['DynamicQuantizeLinear', ['uint8', 'float32', 'uint8']],
  ['MatMulInteger', ['int32']],
  ['ConvInteger', ['int32']],
])

/** Inputs whose element type operators give, where it is not the first. */
const typeGivers = new Map<string, number>([
  ['OneHot', 2],
  ['Where', 1],
  ['CastLike', 1],
  ['DequantizeLinear', 1],
  ['QuantizeLinear', 2],
  ['QLinearConv', 7],
  ['QLinearMatMul', 7],
])

/** Element type of what an operator gives, as far as it follows from its name and inputs; most keep their input's. */
export function resultType({ type, inputs, attributes }: Form, output: number): DType {
  const { value, to, dtype } = attributes
  const told = to ?? (/^(EyeLike|Bernoulli|Random|Multinomial)/.test(type) ? dtype : undefined)
  if (told?.kind === 'int') return dtypeNumbered(told.value) ?? 'float32'
  if (/^(Random(Normal|Uniform)|.*Window)$/.test(type)) return 'float32'
  if (type === 'Multinomial') return 'int32'
  if (type === 'ConstantOfShape') return value?.kind === 'tensor' ? value.value.dtype : 'float32'
  const types = resultTypes.get(type)
  const found = types?.[output] ?? types?.at(-1) ?? 'first'
  if (found !== 'first') return found
  return (
    inputs[typeGivers.get(type) ?? 0]?.dtype ?? (type === 'QuantizeLinear' ? 'uint8' : 'float32')
  )
}

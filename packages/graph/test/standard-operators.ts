import { Random, floats, sizeOf, tensor, type DType, type Tensor } from '@cflow/base'
import * as g from './all.js'

/** One operator of the standard set with inputs and attributes, in the form that sets `since` to `until` give it. */
export interface OperatorCase {
  readonly type: string
  /** What tells it from others of its type. */
  readonly variant: string
  /** Inputs that are fed, constants of the file, and omitted ones. */
  readonly inputs: readonly (Tensor | { readonly constant: Tensor } | undefined)[]
  readonly attributes: g.Attributes
  readonly outputs: readonly DType[]
  readonly since: number
  readonly until: number
}

const random = Random.seeded(11, 'operators')
type Range = readonly [low: number, high: number]

const f = (shape: readonly number[], [low, high]: Range = [-2, 2]): Tensor<'float32'> =>
  floats('float32', shape, Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(low, high))) // prettier-ignore
const bytes = (shape: readonly number[], top = 255): Tensor =>
  tensor(
    'uint8',
    shape,
    Uint8Array.from({ length: sizeOf(shape) }, () => random.integer(top)),
  )
const bools = (shape: readonly number[]): Tensor =>
  tensor(
    'bool',
    shape,
    Uint8Array.from({ length: sizeOf(shape) }, () => random.integer(2)),
  )
const longs = (shape: readonly number[], values: readonly number[]): Tensor =>
  tensor('int64', shape, BigInt64Array.from(values.map(BigInt)))
const l = (...values: readonly number[]): Tensor => longs([values.length], values)
const w = (constant: Tensor) => ({ constant })
const int = g.attribute.int
const ints = (...values: readonly number[]) => g.attribute.ints(values)
const float = g.attribute.float
const text = g.attribute.string
const reals = (...value: readonly number[]) => ({ kind: 'floats', value }) as const

/** The newest set there is. */
const newest = 99

interface Form {
  readonly since?: number
  readonly until?: number
  readonly outputs?: readonly DType[]
  readonly variant?: string
}

/** Every operator whose results depend on nothing but its inputs, in each of its forms. */
export function standardOperators(): readonly OperatorCase[] {
  const cases: OperatorCase[] = []
  const add = (
    type: string,
    inputs: OperatorCase['inputs'],
    attributes: g.Attributes = {},
    { since = 7, until = newest, outputs = ['float32'], variant }: Form = {},
  ) => {
    const told = Object.entries(attributes).map(([k, a]) => `${k}=${show(a)}`)
    const shown = variant ?? told.join(' ')
    cases.push({ type, variant: shown, inputs, attributes, outputs, since, until })
  }
  const x = f([2, 4, 6, 5])
  elementwise(add)
  reductions(add, x)
  windows(add)
  norms(add)
  shapes(add, x)
  indexing(add, x)
  scaling(add)
  quantized(add)
  others(add)
  return cases
}

const show = (a: g.Attributes[string]): string =>
  a.kind === 'raw' || a.kind === 'tensor' ? a.kind : String(a.value)

type Add = (
  type: string,
  inputs: OperatorCase['inputs'],
  attributes?: g.Attributes,
  form?: Form,
) => void

function elementwise(add: Add): void {
  const x = f([2, 4, 3])
  const unary: readonly (readonly [type: string, since?: number, range?: Range, dtype?: DType])[] =
    [
      ['Abs'], ['Acos', 7, [-1, 1]], ['Acosh', 9, [1, 3]], ['Asin', 7, [-1, 1]], ['Asinh', 9],
      ['Atan'], ['Atanh', 9, [-0.9, 0.9]], ['Ceil'], ['Celu', 12], ['Cos'], ['Cosh', 9], ['Elu'],
      ['Erf', 9], ['Exp'], ['Floor'], ['Gelu', 20], ['HardSigmoid'], ['HardSwish', 14],
      ['Identity'], ['IsInf', 10, [-1, 1], 'bool'], ['IsNaN', 9, [-1, 1], 'bool'], ['LeakyRelu'],
      ['Log', 7, [0.1, 3]], ['Mish', 18], ['Neg'], ['Reciprocal', 7, [0.5, 2]], ['Relu'],
      ['Round', 11], ['Selu'], ['Shrink', 9], ['Sigmoid'], ['Sign', 9], ['Sin'], ['Sinh', 9],
      ['Softplus'], ['Softsign'], ['Sqrt', 7, [0.1, 3]], ['Swish', 24], ['Tan'], ['Tanh'],
      ['ThresholdedRelu'], ['ParametricSoftplus'], ['ScaledTanh'], ['Affine'],
    ] // prettier-ignore
  for (const [type, since = 7, range, dtype = 'float32'] of unary)
    add(type, [f([2, 4, 3], range)], {}, { since, outputs: [dtype] })
  for (const type of ['Celu', 'Elu', 'LeakyRelu', 'ThresholdedRelu', 'Swish'])
    add(type, [x], { alpha: float(0.7) })
  for (const type of ['HardSigmoid', 'Selu', 'ParametricSoftplus', 'ScaledTanh', 'Affine']) {
    const second = type === 'Selu' ? 'gamma' : 'beta'
    add(type, [x], { alpha: float(0.3), [second]: float(0.4) })
  }
  add('Gelu', [x], { approximate: text('tanh') }, { since: 20 })
  add('Shrink', [x], { lambd: float(0.6), bias: float(0.2) }, { since: 9 })
  add('IsInf', [x], { detect_negative: int(0) }, { since: 10, outputs: ['bool'] })
  add('ImageScaler', [f([1, 3, 4, 4])], { scale: float(0.5), bias: reals(0.1, 0.2, 0.3) })
  for (const type of ['Add', 'Sub', 'Mul', 'Div', 'PRelu', 'Max', 'Min', 'Mean', 'Sum'])
    for (const other of [f([2, 4, 3], [0.5, 2]), f([4, 1], [0.5, 2])])
      add(type, [x, w(other)], {}, { variant: `with ${other.shape.join('×')}` })
  for (const type of ['Max', 'Min', 'Mean', 'Sum'])
    add(type, [x, f([2, 4, 3]), f([2, 4, 3])], {}, { variant: 'of three' })
  add('Pow', [f([2, 3], [0.5, 2]), w(f([3], [0, 2]))])
  add('Mod', [x, w(f([3], [0.5, 1]))], { fmod: int(1) }, { since: 10 })
  for (const type of ['Equal', 'Greater', 'Less', 'GreaterOrEqual', 'LessOrEqual'])
    add(type, [x, w(f([4, 1]))], {}, { outputs: ['bool'], since: type.endsWith('OrEqual') ? 12 : type === 'Equal' ? 11 : 7 }) // prettier-ignore
  for (const type of ['And', 'Or', 'Xor'])
    add(type, [bools([2, 4]), w(bools([4]))], {}, { outputs: ['bool'] })
  add('Not', [bools([2, 4])], {}, { outputs: ['bool'] })
  add('BitShift', [bytes([4]), w(bytes([4], 3))], { direction: text('LEFT') }, { since: 11, outputs: ['uint8'] }) // prettier-ignore
  for (const type of ['BitwiseAnd', 'BitwiseOr', 'BitwiseXor'])
    add(type, [bytes([4]), w(bytes([4]))], {}, { since: 18, outputs: ['uint8'] })
  add('BitwiseNot', [bytes([4])], {}, { since: 18, outputs: ['uint8'] })
  add('Where', [bools([2, 4, 1]), x, w(f([3]))], {}, { since: 9 })
  const [min, max] = [floats('float32', [], [-0.5]), floats('float32', [], [1])]
  add('Clip', [x], { min: float(-0.5), max: float(1) }, { until: 10 })
  add('Clip', [x], { max: float(1) }, { until: 10 })
  add('Clip', [x], {})
  add('Clip', [x, w(min), w(max)], {}, { since: 11 })
  add('Clip', [x, undefined, w(max)], {}, { since: 11, variant: 'above' })
}

function reductions(add: Add, x: Tensor): void {
  const kinds = ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'] // prettier-ignore
  const positive = f([2, 3, 4], [0.5, 2])
  for (const kind of kinds) {
    const type = `Reduce${kind}`
    const set = kind === 'Sum' ? 13 : 18
    const flat = { keepdims: int(0) }
    for (const axes of [[1], [0, 2]]) {
      add(type, [positive], { axes: ints(...axes) }, { until: set - 1 })
      add(type, [positive], { axes: ints(...axes), ...flat }, { until: set - 1 })
      add(type, [positive, w(l(...axes))], {}, { since: set, variant: `axes ${axes.join()}` })
      add(type, [positive, w(l(...axes))], flat, { since: set })
    }
    add(type, [positive], { axes: ints(-1) }, { since: 11, until: set - 1 })
    add(type, [positive, w(l(-1))], {}, { since: set, variant: 'last axis' })
    add(type, [positive], {}, { variant: 'all' })
    add(type, [positive], flat)
    add(type, [positive], { noop_with_empty_axes: int(1) }, { since: set })
  }
  for (const type of ['ArgMax', 'ArgMin']) {
    const outputs = ['int64'] as const
    add(type, [x], {}, { outputs })
    add(type, [x], { axis: int(2), keepdims: int(0) }, { outputs })
    add(type, [x], { axis: int(-1) }, { outputs, since: 11 })
    add(type, [x], { axis: int(1), select_last_index: int(1) }, { outputs, since: 12 })
  }
  for (const type of ['Softmax', 'LogSoftmax', 'Hardmax']) {
    add(type, [x])
    for (const axis of [0, 1, 2, 3]) add(type, [x], { axis: int(axis) })
    for (const axis of [-1, -2, -4]) add(type, [x], { axis: int(axis) }, { since: 11 })
    add(type, [f([3, 5])], {}, { variant: 'a matrix' })
  }
  for (const p of [1, 2])
    for (const axis of [-1, 1]) add('LpNormalization', [x], { p: int(p), axis: int(axis) })
  add('CumSum', [x, w(longs([], [2]))], {}, { since: 11 })
  add('CumSum', [x, w(longs([], [-1]))], { exclusive: int(1), reverse: int(1) }, { since: 11 })
}

function windows(add: Add): void {
  const x = f([2, 4, 9, 8])
  const [kernel, small] = [f([6, 4, 3, 3]), f([6, 2, 2, 3])]
  const size = { kernel_shape: ints(3, 3) }
  const forms: readonly g.Attributes[] = [
    {},
    { strides: ints(2, 2), pads: ints(1, 1, 1, 1) },
    { strides: ints(2, 3), pads: ints(0, 1, 2, 1) },
    { strides: ints(2, 2), auto_pad: text('SAME_UPPER') },
    { strides: ints(2, 2), auto_pad: text('SAME_LOWER') },
    { auto_pad: text('VALID') },
  ]
  for (const form of forms) {
    add('Conv', [x, w(kernel), w(f([6]))], { ...size, ...form })
    add('Conv', [x, w(kernel)], form, { variant: `no size ${Object.keys(form).join()}` })
    add('ConvTranspose', [x, w(f([4, 5, 3, 3]))], { ...size, ...form })
    for (const type of ['MaxPool', 'AveragePool', 'LpPool']) add(type, [x], { ...size, ...form })
    add('AveragePool', [x], { ...size, ...form, count_include_pad: int(1) })
    for (const type of ['MaxPool', 'AveragePool'])
      add(type, [x], { ...size, ...form, ceil_mode: int(1) }, { since: 10 })
    add('AveragePool', [x], { ...size, ...form, ceil_mode: int(1), count_include_pad: int(1) }, { since: 10 }) // prettier-ignore
    add('LpPool', [x], { ...size, ...form, ceil_mode: int(1) }, { since: 18 })
  }
  add('Conv', [x, w(small)], { group: int(2), dilations: ints(2, 1) })
  add('Conv', [f([1, 3, 9]), w(f([2, 3, 3]))], { strides: ints(2) }, { variant: 'of one axis' })
  add('ConvTranspose', [x, w(f([4, 3, 2, 2]))], { strides: ints(2, 2), group: int(2) })
  add('ConvTranspose', [x, w(f([4, 3, 3, 3]))], { strides: ints(2, 2), output_padding: ints(1, 1) })
  for (const auto of ['SAME_UPPER', 'SAME_LOWER', 'NOTSET'])
    add('ConvTranspose', [x, w(f([4, 3, 3, 3]))], { strides: ints(2, 2), output_shape: ints(18, 16), auto_pad: text(auto) }) // prettier-ignore
  add('MaxPool', [x], size, { outputs: ['float32', 'int64'], since: 8, variant: 'with indices' })
  add('MaxPool', [x], { ...size, storage_order: int(1) }, { outputs: ['float32', 'int64'], since: 8 }) // prettier-ignore
  add('MaxPool', [x], { ...size, dilations: ints(2, 1) }, { since: 10 })
  add('AveragePool', [x], { ...size, dilations: ints(2, 1) }, { since: 19 })
  add('LpPool', [x], { ...size, p: int(1) })
  for (const type of ['GlobalAveragePool', 'GlobalMaxPool', 'GlobalLpPool']) add(type, [x])
  add('GlobalLpPool', [x], { p: int(1) })
  const rois = floats('float32', [1, 5], [0, 1, 1, 6, 6])
  add('MaxRoiPool', [x, w(rois)], { pooled_shape: ints(2, 2), spatial_scale: float(0.5) })
  const align = [f([1, 2, 8, 8]), w(floats('float32', [2, 4], [0, 0, 5, 5, 1, 2, 7, 6])), w(l(0, 0))] // prettier-ignore
  add('RoiAlign', align, { output_height: int(2), output_width: int(3) }, { since: 10 })
  add('RoiAlign', align, { sampling_ratio: int(2), mode: text('max') }, { since: 10 })
  add('RoiAlign', align, { coordinate_transformation_mode: text('output_half_pixel') }, { since: 16 }) // prettier-ignore
  const places = longs([1, 1, 2, 2], [0, 3, 8, 15])
  add('MaxUnpool', [f([1, 1, 2, 2]), w(places)], { kernel_shape: ints(2, 2), strides: ints(2, 2) }, { since: 9 }) // prettier-ignore
  add('Col2Im', [f([1, 8, 4]), w(l(4, 4)), w(l(2, 2))], { strides: ints(2, 2) }, { since: 18 })
}

function norms(add: Add): void {
  const x = f([2, 4, 3, 5])
  const of = (shape: readonly number[]) => [f(shape), f(shape), f(shape), f(shape, [0.5, 2])].map(w)
  add('BatchNormalization', [x, ...of([4])])
  add('BatchNormalization', [x, ...of([4])], { epsilon: float(0.01), momentum: float(0.5) })
  add('BatchNormalization', [x, ...of([4])], { spatial: int(1) }, { until: 8 })
  add('BatchNormalization', [x, ...of([4, 3, 5])], { spatial: int(0), epsilon: float(0.01) }, { until: 8 }) // prettier-ignore
  add('BatchNormalization', [f([3, 4]), ...of([4])], {}, { variant: 'of vectors' })
  const trained = ['float32', 'float32', 'float32'] as const
  add('BatchNormalization', [x, ...of([4])], { training_mode: int(1) }, { since: 14, outputs: trained }) // prettier-ignore
  add('BatchNormalization', [x, ...of([4])], {}, { until: 13, outputs: [...trained, 'float32', 'float32'], variant: 'training' }) // prettier-ignore
  add('InstanceNormalization', [x, w(f([4])), w(f([4]))], { epsilon: float(0.001) })
  add('LayerNormalization', [x, w(f([5])), w(f([5]))], {}, { since: 17 })
  add('LayerNormalization', [x, w(f([3, 5]))], { axis: int(2) }, { since: 17 })
  add('GroupNormalization', [x, w(f([2])), w(f([2]))], { num_groups: int(2) }, { since: 18, until: 20 }) // prettier-ignore
  add('GroupNormalization', [x, w(f([4])), w(f([4]))], { num_groups: int(2) }, { since: 21 })
  add('RMSNormalization', [x, w(f([5]))], {}, { since: 23 })
  add('LRN', [x], { size: int(3), alpha: float(0.1), beta: float(0.6), bias: float(1.5) })
  add('MeanVarianceNormalization', [x])
  add('MeanVarianceNormalization', [x], { axes: ints(0, 2, 3) }, { since: 9 })
  for (const across of [0, 1])
    for (const variance of [0, 1])
      add('MeanVarianceNormalization', [x], { across_channels: int(across), normalize_variance: int(variance) }, { until: 8 }) // prettier-ignore
  add('Dropout', [x])
  add('Dropout', [x], { ratio: float(0.4) }, { until: 11 })
  add('Dropout', [x], { ratio: float(0.4) }, { until: 9, outputs: ['float32', 'float32'] })
  add('Dropout', [x], {}, { since: 10, outputs: ['float32', 'bool'], variant: 'with mask' })
  add('Dropout', [x, w(floats('float32', [], [0.5]))], {}, { since: 12, variant: 'ratio' })
}

function shapes(add: Add, x: Tensor): void {
  add('Reshape', [x, w(l(0, -1, 5))])
  add('Reshape', [x, w(l(8, 30))], { allowzero: int(1) }, { since: 14 })
  for (const axis of [0, 1, 2, 4]) add('Flatten', [x], { axis: int(axis) })
  add('Flatten', [x], { axis: int(-1) }, { since: 11 })
  add('Transpose', [x])
  add('Transpose', [x], { perm: ints(0, 2, 3, 1) })
  const thin = f([1, 3, 1, 5])
  add('Squeeze', [thin], {}, { variant: 'all' })
  add('Squeeze', [thin], { axes: ints(0, 2) }, { until: 12 })
  add('Squeeze', [thin, w(l(0, 2))], {}, { since: 13 })
  add('Unsqueeze', [f([3, 4])], { axes: ints(0, 2) }, { until: 12 })
  add('Unsqueeze', [f([3, 4])], { axes: ints(-1) }, { since: 11, until: 12 })
  add('Unsqueeze', [f([3, 4]), w(l(0, -1))], {}, { since: 13 })
  add('Concat', [x, w(f([2, 4, 1, 5])), f([2, 4, 2, 5])], { axis: int(2) })
  add('Concat', [x, w(f([2, 4, 6, 1]))], { axis: int(-1) }, { since: 11 })
  const two = ['float32', 'float32'] as const
  add('Split', [x], { axis: int(2) }, { until: 17, outputs: two })
  add('Split', [x], { axis: int(2), split: ints(1, 5) }, { until: 12, outputs: two })
  add('Split', [x, w(l(1, 5))], { axis: int(2) }, { since: 13, outputs: two, variant: 'sizes' })
  add('Split', [x], { axis: int(-1), num_outputs: int(2) }, { since: 18, outputs: two })
  add('Slice', [x], { starts: ints(1, -3), ends: ints(3, 1000), axes: ints(1, 2) }, { until: 9 })
  add('Slice', [x], { starts: ints(1), ends: ints(2) }, { until: 9 })
  add('Slice', [x, w(l(1, -3)), w(l(3, 1000)), w(l(1, 2))], {}, { since: 10 })
  add('Slice', [x, w(l(-1)), w(l(-1000)), w(l(2)), w(l(-2))], {}, { since: 10, variant: 'back' })
  add('DynamicSlice', [x, w(l(1, 1)), w(l(2, 3)), w(l(0, 2))])
  add('Crop', [f([1, 2, 6, 6])], { border: ints(1, 2, 1, 1) })
  add('Crop', [f([1, 2, 6, 6])], { border: ints(1, 2, 0, 0), scale: ints(3, 2) })
  const pads = [0, 0, 1, 2, 0, 0, 2, 1]
  for (const mode of ['constant', 'reflect', 'edge']) {
    add('Pad', [x], { pads: ints(...pads), mode: text(mode) }, { until: 10 })
    add('Pad', [x, w(l(...pads))], { mode: text(mode) }, { since: 11 })
  }
  add('Pad', [x], { pads: ints(...pads), value: float(1.5) }, { until: 10 })
  add('Pad', [x], { pads: ints(0, 0, -1, 0, 0, 0, 0, -2) }, { until: 10 })
  add('Pad', [x, w(l(...pads)), w(floats('float32', [], [1.5]))], {}, { since: 11 })
  add('Pad', [x, w(l(1, 2)), undefined, w(l(-1))], {}, { since: 18, variant: 'axes' })
  add('Pad', [x, w(l(...pads))], { mode: text('wrap') }, { since: 19 })
  add('Expand', [f([3, 1]), w(l(2, 1, 4))], {}, { since: 8 })
  add('Tile', [f([2, 3]), w(l(2, 2))])
  add('Shape', [x], {}, { outputs: ['int64'] })
  add('Shape', [x], { start: int(1), end: int(-1) }, { since: 15, outputs: ['int64'] })
  add('Size', [x], {}, { outputs: ['int64'] })
  add('Cast', [x], { to: int(7) }, { outputs: ['int64'] })
  add('Cast', [x], { to: int(9) }, { outputs: ['bool'] })
  add('CastLike', [x, w(l(1))], {}, { since: 15, outputs: ['int64'] })
  add('ConstantOfShape', [l(2, 3)], {}, { since: 9 })
  add('ConstantOfShape', [l(2, 3)], { value: { kind: 'tensor', value: l(4) } }, { since: 9, outputs: ['int64'] }) // prettier-ignore
  add('EyeLike', [f([3, 4])], { k: int(1) }, { since: 9 })
  for (const type of ['DepthToSpace', 'SpaceToDepth'])
    add(type, [f([1, 8, 4, 6])], { blocksize: int(2) })
  add('DepthToSpace', [f([1, 8, 4, 6])], { blocksize: int(2), mode: text('CRD') }, { since: 11 })
  add('Trilu', [f([3, 4])], { upper: int(0) }, { since: 14 })
  add('CenterCropPad', [x, w(l(4, 7))], { axes: ints(2, 3) }, { since: 18 })
  add('Range', [floats('float32', [], [1]), floats('float32', [], [4]), floats('float32', [], [0.5])], {}, { since: 11 }) // prettier-ignore
}

function indexing(add: Add, x: Tensor): void {
  const both = ['float32', 'int64'] as const
  add('TopK', [x], { k: int(3) }, { until: 9, outputs: both })
  add('TopK', [x], { k: int(2), axis: int(1) }, { until: 9, outputs: both })
  add('TopK', [x, w(l(2))], { axis: int(1) }, { since: 10, outputs: both })
  add('TopK', [x, w(l(2))], { largest: int(0) }, { since: 11, outputs: both })
  add('Gather', [x, w(longs([2, 2], [0, 3, 1, 1]))], { axis: int(1) })
  add('Gather', [x, w(l(-1, 0))], { axis: int(-1) }, { since: 11 })
  const at = longs([2, 1, 2], [0, 1, 1, 0])
  add('GatherElements', [f([2, 3, 2]), w(at)], { axis: int(1) }, { since: 11 })
  add('GatherND', [f([2, 3, 2]), w(longs([2, 2], [0, 1, 1, 2]))], {}, { since: 11 })
  add('GatherND', [f([2, 3, 2]), w(longs([2, 1], [1, 2]))], { batch_dims: int(1) }, { since: 12 })
  for (const [type, since, until] of [['Scatter', 9, 10], ['ScatterElements', 11, newest]] as const) {
    add(type, [f([2, 3, 2]), w(at), w(f([2, 1, 2]))], { axis: int(1) }, { since, until })
    add(type, [f([2, 3, 2]), w(at), w(f([2, 1, 2]))], {}, { since, until })
  } // prettier-ignore
  add('ScatterElements', [f([2, 3, 2]), w(at), w(f([2, 1, 2]))], { axis: int(1), reduction: text('add') }, { since: 16 }) // prettier-ignore
  const where = w(longs([2, 1], [0, 2]))
  add('ScatterND', [f([4, 3]), where, w(f([2, 3]))], {}, { since: 11 })
  add('ScatterND', [f([4, 3]), where, w(f([2, 3]))], { reduction: text('mul') }, { since: 16 })
  add('OneHot', [l(1, 0, 2), w(longs([], [3])), w(floats('float32', [2], [0, 1]))], { axis: int(0) }, { since: 9 }) // prettier-ignore
  add('NonZero', [f([3, 4])], {}, { since: 9, outputs: ['int64'] })
  add('Compress', [x, w(tensor('bool', [3], Uint8Array.of(1, 0, 1)))], { axis: int(1) }, { since: 9 }) // prettier-ignore
  add('Unique', [floats('float32', [5], [3, 1, 3, 2, 1])], {}, { since: 11, outputs: ['float32', 'int64', 'int64', 'int64'] }) // prettier-ignore
  add('ReverseSequence', [f([4, 3, 2]), w(l(2, 4, 1))], {}, { since: 10 })
  const boxes = floats('float32', [1, 3, 4], [0, 0, 1, 1, 0, 0.1, 1, 1.1, 0, 3, 1, 4])
  const scores = floats('float32', [1, 1, 3], [0.9, 0.8, 0.7])
  add('NonMaxSuppression', [boxes, scores, w(longs([1], [3])), w(floats('float32', [1], [0.5]))], {}, { since: 10, outputs: ['int64'] }) // prettier-ignore
  add('TensorScatter', [f([2, 5, 3]), f([2, 2, 3]), w(l(1, 2))], {}, { since: 24 })
}

function scaling(add: Add): void {
  const x = f([1, 2, 6, 4])
  const scales = (...factors: number[]) => w(floats('float32', [4], [1, 1, ...factors]))
  for (const mode of ['nearest', 'linear']) {
    for (const [a, b] of [[2, 3], [1.5, 2.25]] as const) {
      add('Upsample', [x], { mode: text(mode), scales: reals(1, 1, a, b) }, { until: 8 })
      add('Upsample', [x, scales(a, b)], { mode: text(mode) }, { since: 9, until: 9, variant: `${mode} ${a}` }) // prettier-ignore
    } // prettier-ignore
    for (const [a, b] of [[2, 3], [0.5, 0.6], [1.7, 0.4], [0.7, 1.3], [1, 0.34]] as const) {
      const variant = `${mode} ${a}×${b}`
      add('Resize', [x, scales(a, b)], { mode: text(mode) }, { since: 10, until: 10, variant })
      add('Resize', [x, floats('float32', [4], [1, 1, a, b])], { mode: text(mode) }, { since: 10, until: 10, variant: `${variant} fed` }) // prettier-ignore
      add('Resize', [x, w(f([0])), scales(a, b)], { mode: text(mode) }, { since: 11, variant })
      add('Resize', [x, w(f([0])), w(f([0])), w(l(1, 2, 9, 3))], { mode: text(mode) }, { since: 11, variant: `${mode} sizes` }) // prettier-ignore
      for (const way of ['align_corners', 'asymmetric', 'pytorch_half_pixel', 'tf_half_pixel_for_nn', 'half_pixel_symmetric']) // prettier-ignore
        for (const nearest of mode === 'nearest' ? ['floor', 'ceil', 'round_prefer_ceil'] : [''])
          add('Resize', [x, w(f([0])), scales(a, b)], {
            mode: text(mode),
            coordinate_transformation_mode: text(way),
            ...(nearest && { nearest_mode: text(nearest) }),
          }, { since: 11, variant: `${variant} ${way} ${nearest}` }) // prettier-ignore
    } // prettier-ignore
  }
  add('Resize', [x, w(f([0])), scales(2, 1.5)], { mode: text('cubic'), cubic_coeff_a: float(-0.5) }, { since: 11 }) // prettier-ignore
  add('Resize', [x, w(f([0])), scales(0.5, 0.5)], { mode: text('cubic'), exclude_outside: int(1) }, { since: 11 }) // prettier-ignore
  const region = w(floats('float32', [8], [0, 0, 0.1, 0.2, 1, 1, 0.9, 0.8]))
  add('Resize', [x, region, w(f([0])), w(l(1, 2, 3, 3))], { coordinate_transformation_mode: text('tf_crop_and_resize'), mode: text('linear') }, { since: 11 }) // prettier-ignore
  add('Resize', [x, undefined, scales(0.5, 0.5)], { mode: text('linear'), antialias: int(1) }, { since: 18 }) // prettier-ignore
  add('Resize', [x, undefined, w(floats('float32', [2], [2, 2]))], { axes: ints(2, 3) }, { since: 18 }) // prettier-ignore
  for (const [mode, set, until] of [['bilinear', 16, 19], ['bicubic', 16, 19], ['nearest', 16, newest], ['linear', 20, newest], ['cubic', 20, newest]] as const) // prettier-ignore
    for (const padding of ['zeros', 'border', 'reflection'])
      add('GridSample', [x, w(f([1, 3, 3, 2], [-1.2, 1.2]))], { mode: text(mode), padding_mode: text(padding) }, { since: set, until }) // prettier-ignore
  add('AffineGrid', [f([1, 2, 3]), w(l(1, 2, 3, 4))], {}, { since: 20 })
}

function quantized(add: Add): void {
  const x = f([2, 3, 4])
  const [scale, zero] = [floats('float32', [], [0.02]), tensor('uint8', [], Uint8Array.of(120))]
  const each = [floats('float32', [3], [0.02, 0.03, 0.01]), tensor('uint8', [3], Uint8Array.of(120, 100, 130))] // prettier-ignore
  const from = 10
  add('QuantizeLinear', [x, w(scale), w(zero)], {}, { since: from, outputs: ['uint8'] })
  add('QuantizeLinear', [x, ...each.map(w)], { axis: int(1) }, { since: 13, outputs: ['uint8'] })
  add('DequantizeLinear', [bytes([2, 3]), w(scale), w(zero)], {}, { since: from })
  add('DequantizeLinear', [bytes([2, 3, 4]), ...each.map(w)], { axis: int(1) }, { since: 13 })
  add('DynamicQuantizeLinear', [x], {}, { since: 11, outputs: ['uint8', 'float32', 'uint8'] })
  add('MatMulInteger', [bytes([2, 3]), w(bytes([3, 4])), w(zero), w(zero)], {}, { since: from, outputs: ['int32'] }) // prettier-ignore
  add('ConvInteger', [bytes([1, 2, 5, 5]), w(bytes([3, 2, 3, 3])), w(zero)], {}, { since: from, outputs: ['int32'] }) // prettier-ignore
  const scaled = [w(scale), w(zero)]
  add('QLinearMatMul', [bytes([2, 3]), ...scaled, w(bytes([3, 4])), ...scaled, ...scaled], {}, { since: from, outputs: ['uint8'] }) // prettier-ignore
  add('QLinearConv', [bytes([1, 2, 5, 5]), ...scaled, w(bytes([3, 2, 3, 3])), ...scaled, ...scaled], {}, { since: from, outputs: ['uint8'] }) // prettier-ignore
}

function others(add: Add): void {
  add('MatMul', [f([2, 3, 4]), w(f([4, 5]))])
  add('Gemm', [f([3, 4]), w(f([4, 5])), w(f([5]))])
  add('Gemm', [f([4, 3]), w(f([5, 4])), w(f([3, 1]))], { transA: int(1), transB: int(1), alpha: float(0.5), beta: float(2) }) // prettier-ignore
  add('Gemm', [f([3, 4]), w(f([4, 5]))], {}, { since: 11, variant: 'of two' })
  add('Einsum', [f([2, 3, 4]), w(f([2, 4, 5]))], { equation: text('bij,bjk->bik') }, { since: 12 })
  add('Det', [f([2, 3, 3])], {}, { since: 11 })
  const [sequence, hidden] = [f([3, 2, 4]), 5]
  for (const [type, gates] of [['RNN', 1], ['GRU', 3], ['LSTM', 4]] as const)
    for (const direction of ['forward', 'bidirectional']) {
      const d = direction === 'forward' ? 1 : 2
      const weights = [f([d, gates * hidden, 4]), f([d, gates * hidden, hidden]), f([d, 2 * gates * hidden])] // prettier-ignore
      add(type, [sequence, ...weights.map(w)], { hidden_size: int(hidden), direction: text(direction) }, { outputs: ['float32', 'float32'] }) // prettier-ignore
    } // prettier-ignore
  add('GRU', [sequence, w(f([1, 15, 4])), w(f([1, 15, 5]))], { hidden_size: int(hidden), linear_before_reset: int(1) }) // prettier-ignore
  add('DFT', [f([1, 8, 1])], {}, { since: 17 })
  add('DFT', [f([1, 8, 6, 2])], { axis: int(2) }, { since: 17, until: 19 })
  add('DFT', [f([1, 8, 6, 2]), undefined, w(longs([], [2]))], { inverse: int(1) }, { since: 20 })
  add('STFT', [f([1, 32, 1]), w(longs([], [8])), w(f([16])), w(longs([], [16]))], {}, { since: 17 })
  for (const type of ['BlackmanWindow', 'HammingWindow', 'HannWindow'])
    add(type, [longs([], [8])], {}, { since: 17 })
  const mel = [longs([], [4]), longs([], [16]), longs([], [8000]), floats('float32', [], [0]), floats('float32', [], [4000])] // prettier-ignore
  add('MelWeightMatrix', mel, {}, { since: 17 })
  add('DeformConv', [f([1, 2, 5, 5]), w(f([3, 2, 2, 2])), w(f([1, 8, 4, 4]))], {}, { since: 19 })
  add('CumProd', [f([2, 3]), w(longs([], [1]))], {}, { since: 26 })
  const loss = [f([3, 5]), w(l(1, 0, 4))]
  add('SoftmaxCrossEntropyLoss', loss, {}, { since: 12 })
  add('NegativeLogLikelihoodLoss', loss, { reduction: text('sum') }, { since: 12 })
  const qkv = [f([1, 2, 3, 4]), f([1, 2, 3, 4]), f([1, 2, 3, 4])]
  add('Attention', qkv, {}, { since: 23 })
  add('RotaryEmbedding', [f([1, 2, 3, 4]), w(f([5, 2])), w(f([5, 2])), w(longs([1, 3], [0, 1, 2]))], {}, { since: 23 }) // prettier-ignore
}

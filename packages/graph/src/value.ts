import { CflowError, floats, tensor, type DType, type Tensor } from '@cflow/base'

/** Size of one axis: a number, a symbol that stands for the same number wherever it appears, or unknown. */
export type Dim = number | string | null
export type Shape = readonly Dim[]

/** Attribute of an operator, by its ONNX kind. */
export type Attribute =
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'tensor'; readonly value: Tensor }
  /** Kept as it was read from a file (lists of text, sub-graphs of control flow and the like). */
  | { readonly kind: 'raw'; readonly value: unknown }
export type Attributes = Readonly<Record<string, Attribute>>

/** What makes a value: a graph input, a constant, or an operator applied to values. */
export type Node =
  | { readonly kind: 'input'; readonly name: string }
  | { readonly kind: 'constant'; readonly tensor: Tensor; readonly name: string | undefined }
  | OperatorNode

export interface OperatorNode {
  readonly kind: 'operator'
  readonly operator: Operator
  readonly inputs: Inputs
  readonly attributes: Attributes
  readonly outputs: readonly Value[]
  /** Name in the file it was read from, or given by its builder; for people, need not be unique. */
  readonly label: string | undefined
}

/** Inputs of an operator; `undefined` for an omitted optional one. */
export type Inputs = readonly (Value | undefined)[]

/**
 * Everything about one operator in one place. Inputs, attributes and outputs are those of the ONNX operator of the
 * same name, so its ONNX form is itself unless `lower` says otherwise.
 */
export interface Operator {
  /** ONNX operator type, such as `MatMul`. */
  readonly type: string
  /** ONNX domain; the standard one when absent. */
  readonly domain?: string
  /** The operator set of its domain that a file needs to hold it, where that is not this package's own. */
  readonly version?: number
  /** Shape rule: types of the outputs. @throws CflowError SHAPE when the inputs do not fit together */
  infer(inputs: Inputs, attributes: Attributes): readonly ValueType[]
  /**
   * Gradient rule: given the gradients of the outputs (`undefined`: that output does not matter), those of the
   * inputs (`undefined`: not differentiable in that input). Absent: the operator is for inference only.
   */
  gradient?(node: OperatorNode, gradients: Inputs): Inputs
  /** Inputs are broadcast: a gradient may have the output's shape, and is summed over the axes that were stretched. */
  readonly broadcasts?: true
  /** Values that compute the same with other operators, where a runtime lacks this one for the type; else undefined. */
  lower?(node: OperatorNode): readonly Value[] | undefined
}

export interface ValueType {
  readonly dtype: DType
  readonly shape: Shape
}

/**
 * One tensor of a computation graph. A graph is nothing but values that refer to the nodes that make them;
 * functions that build values are pure.
 */
export interface Value extends ValueType {
  readonly node: Node
  /** Which output of its node it is. */
  readonly index: number
}

/** Shape of a value whose rank is not known (it comes from an operator this package does not know). */
export const unknownRank: Shape = Object.freeze([])

/** Values that do not fit together, or an operator that does not take them. */
export const shapeError = (message: string): CflowError => new CflowError('SHAPE', message)

/** A graph input that the caller feeds. */
export function input(name: string, dtype: DType, shape: Shape): Value {
  return { dtype, shape, node: { kind: 'input', name }, index: 0 }
}

/** A constant (an initializer, in ONNX terms). `name` is kept in the file, made unique if need be. */
export function constant(value: Tensor, name?: string): Value {
  return {
    dtype: value.dtype,
    shape: value.shape,
    node: { kind: 'constant', tensor: value, name },
    index: 0,
  }
}

/** A scalar constant. */
export function scalar(value: number, dtype: DType = 'float32'): Value {
  if (dtype === 'int64') return constant(tensor('int64', [], BigInt64Array.of(BigInt(value))))
  if (dtype === 'float32' || dtype === 'float64') return constant(floats(dtype, [], [value]))
  throw shapeError(`no scalar constant of type ${dtype}`)
}

/** A one-dimensional int64 constant: axes, shapes and the like. */
export function int64s(values: readonly number[]): Value {
  return constant(tensor('int64', [values.length], BigInt64Array.from(values.map(BigInt))))
}

/** The tensor of a constant. @throws CflowError SHAPE when the value is not a constant */
export function constantOf(value: Value | undefined, what: string): Tensor {
  if (value?.node.kind !== 'constant') throw shapeError(`${what} must be a constant of the graph`)
  return value.node.tensor
}

/** The numbers of an integer constant. */
export function integersOf(value: Value | undefined, what: string): number[] {
  return Array.from(constantOf(value, what).data as ArrayLike<number | bigint>, Number)
}

/** The shape as numbers. @throws CflowError SHAPE when an axis is symbolic or unknown */
export function staticShape(value: Value, what = 'the value'): readonly number[] {
  if (value.shape === unknownRank || value.shape.some((d) => typeof d !== 'number'))
    throw shapeError(`${what} needs a shape known in advance, got ${shapeText(value.shape)}`)
  return value.shape as readonly number[]
}

export function shapeText(shape: Shape): string {
  return shape === unknownRank ? '[unknown rank]' : `[${shape.map((d) => d ?? '?').join(', ')}]`
}

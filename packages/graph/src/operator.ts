import type { DType } from '@cflow/base'
import type { Attributes, OperatorNode, Shape, Value } from './value.js'

export interface ValueType {
  readonly dtype: DType
  readonly shape: Shape
}

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
  infer(
    inputs: readonly (Value | undefined)[],
    attributes: Attributes,
    outputs?: number,
  ): readonly ValueType[]
  /**
   * Gradient rule: given the gradients of the outputs (`undefined`: that output does not matter), those of the
   * inputs (`undefined`: not differentiable in that input). Absent: the operator is for inference only.
   */
  gradient?(
    node: OperatorNode,
    gradients: readonly (Value | undefined)[],
  ): readonly (Value | undefined)[]
  /** Values that compute the same with other operators, where a runtime lacks this one for the type; else undefined. */
  lower?(node: OperatorNode): readonly Value[] | undefined
}

/** Apply an operator and give all its outputs. */
export function applyAll(
  operator: Operator,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes = {},
  options: { readonly label?: string | undefined; readonly outputs?: number } = {},
): readonly Value[] {
  const types = operator.infer(inputs, attributes, options.outputs)
  const outputs: Value[] = []
  const node: OperatorNode = {
    kind: 'operator',
    operator,
    inputs,
    attributes,
    outputs,
    label: options.label,
  }
  types.forEach((type, index) => outputs.push({ ...type, node, index }))
  return outputs
}

/** Apply an operator that has one output. */
export function apply(
  operator: Operator,
  inputs: readonly (Value | undefined)[],
  attributes: Attributes = {},
): Value {
  return applyAll(operator, inputs, attributes)[0] as Value
}

/** The same node over other inputs of the same types and shapes. @returns its outputs */
export function withInputs(
  node: OperatorNode,
  inputs: readonly (Value | undefined)[],
): readonly Value[] {
  const outputs: Value[] = []
  const copy = { ...node, inputs, outputs }
  for (const o of node.outputs) outputs.push({ ...o, node: copy })
  return outputs
}

const attribute = {
  int: (value: number) => ({ kind: 'int', value }) as const,
  float: (value: number) => ({ kind: 'float', value }) as const,
  string: (value: string) => ({ kind: 'string', value }) as const,
  ints: (value: readonly number[]) => ({ kind: 'ints', value }) as const,
}
export { attribute }

/** Integer attribute, or the default where it is absent. */
export function intAttribute(attributes: Attributes, name: string, otherwise: number): number {
  const a = attributes[name]
  return a?.kind === 'int' ? a.value : otherwise
}

/** Integer list attribute, or the default where it is absent. */
export function intsAttribute(
  attributes: Attributes,
  name: string,
  otherwise: readonly number[],
): readonly number[] {
  const a = attributes[name]
  return a?.kind === 'ints' ? a.value : otherwise
}

export function stringAttribute(attributes: Attributes, name: string, otherwise: string): string {
  const a = attributes[name]
  return a?.kind === 'string' ? a.value : otherwise
}

export function floatAttribute(attributes: Attributes, name: string, otherwise: number): number {
  const a = attributes[name]
  return a?.kind === 'float' ? a.value : otherwise
}

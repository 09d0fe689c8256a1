import type {
  Attribute,
  Attributes,
  Inputs,
  Operator,
  OperatorNode,
  Shape,
  Value,
  ValueType,
} from './value.js'

/** A node with outputs of these types. @returns the outputs */
export function outputsOf(
  node: Omit<OperatorNode, 'outputs'>,
  types: readonly ValueType[],
): readonly Value[] {
  const outputs: Value[] = []
  const made = { ...node, outputs }
  types.forEach(({ dtype, shape }, index) => outputs.push({ dtype, shape, node: made, index }))
  return outputs
}

/** Apply an operator and give all its outputs. */
export function applyAll(
  operator: Operator,
  inputs: Inputs,
  attributes: Attributes = {},
  label?: string,
): readonly Value[] {
  const types = operator.infer(inputs, attributes)
  return outputsOf({ kind: 'operator', operator, inputs, attributes, label }, types)
}

/** Apply an operator that has one output. */
export function apply(operator: Operator, inputs: Inputs, attributes: Attributes = {}): Value {
  return applyAll(operator, inputs, attributes)[0] as Value
}

/** The same node over other inputs of the same types and shapes. @returns its outputs */
export function withInputs(node: OperatorNode, inputs: Inputs): readonly Value[] {
  return outputsOf({ ...node, inputs }, node.outputs)
}

/** Shape rule of an operator with one output, of the type of its first input. */
export const infers =
  (rule: (x: Value, inputs: Inputs, attributes: Attributes) => Shape): Operator['infer'] =>
  (inputs, attributes) => {
    const x = inputs[0] as Value
    return [{ dtype: x.dtype, shape: rule(x, inputs, attributes) }]
  }

/** Gradients that reach an operator with one output. */
export type One = readonly [Value]

const attribute = {
  int: (value: number) => ({ kind: 'int', value }) as const,
  float: (value: number) => ({ kind: 'float', value }) as const,
  string: (value: string) => ({ kind: 'string', value }) as const,
  ints: (value: readonly number[]) => ({ kind: 'ints', value }) as const,
}
export { attribute }

type ValueOf<K extends Attribute['kind']> = Extract<Attribute, { readonly kind: K }>['value']

const reading =
  <K extends Attribute['kind']>(kind: K) =>
  (attributes: Attributes, name: string, otherwise: ValueOf<K>): ValueOf<K> => {
    const a = attributes[name]
    return a?.kind === kind ? (a.value as ValueOf<K>) : otherwise
  }

/** The value of an attribute of that kind, or the default where it is absent. */
export const intAttribute = reading('int')
export const intsAttribute = reading('ints')
export const stringAttribute = reading('string')
export const floatAttribute = reading('float')

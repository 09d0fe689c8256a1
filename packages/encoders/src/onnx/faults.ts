import { CflowError } from '@cflow/base'
import {
  topologicalOrder,
  type Node,
  type OnnxModel,
  type OperatorNode,
  type Value,
} from '@cflow/graph'

/** What nodes of a model are called in messages: by their operator and their name, or that of what they give. */
export function titlesIn({ values }: OnnxModel): (node: OperatorNode) => string {
  const names = new Map([...values].map(([name, v]) => [v, name]))
  return ({ operator, label, outputs }) =>
    [operator.type, label ?? outputs.map((v) => names.get(v)).find((n) => n !== undefined)]
      .filter((part) => part !== undefined)
      .join(' ')
}

const asForUse = 'export it for use, not for training (in PyTorch: after model.eval())'

/**
 * Check that values can be an encoder's: their graph can be written into another file (control flow refers to names
 * outside of it), nothing in it is random or left in training mode, and its weights are numbers.
 * @throws CflowError MODEL that names the operator or the tensor
 */
export function checkGraph(values: readonly Value[], model: OnnxModel): void {
  const title = titlesIn(model)
  for (const node of topologicalOrder(values)) {
    const fault = faultOf(node, title)
    if (fault) throw fault
  }
}

/** Names of the values of a model that `checkGraph` has nothing against. */
export function soundValues(names: readonly string[], model: OnnxModel): readonly string[] {
  const title = titlesIn(model)
  const bad = new Set<Node>()
  const all = names.map((name) => model.values.get(name) as Value)
  for (const node of topologicalOrder(all)) {
    const inputs = node.kind === 'operator' ? node.inputs : []
    if (inputs.some((v) => v && bad.has(v.node)) || faultOf(node, title)) bad.add(node)
  }
  return names.filter((_, i) => !bad.has((all[i] as Value).node))
}

const refused = (message: string, subject: string | undefined, hint: string): CflowError =>
  new CflowError('MODEL', message, { ...(subject && { subject }), hint })

const faultOf = (node: Node, titleOf: (node: OperatorNode) => string): CflowError | undefined =>
  node.kind === 'operator' ? operatorFault(node, titleOf(node)) : constantFault(node)

function operatorFault(node: OperatorNode, title: string): CflowError | undefined {
  const { type } = node.operator
  if (holdsGraph(node))
    return refused(
      `the model uses control flow (${title})`,
      node.label,
      'simplify it first, such as with onnxsim, or export it with fixed shapes',
    )
  if (/^(Random(Normal|Uniform)(Like)?|Multinomial|Bernoulli)$/.test(type))
    return refused(`the model is random: ${title} gives other numbers every time`, node.label, asForUse) // prettier-ignore
  if (type === 'BatchNormalization' && int(node, 'training_mode') === 1)
    return refused(
      `the model is in training mode: ${title} normalises an image by those that it is scored with`,
      node.label,
      asForUse,
    )
  if (type === 'Dropout' && numberOf(node.inputs[2]) === 1 && numberOf(node.inputs[1]) !== 0)
    return refused(`the model is in training mode: ${title} drops at random`, node.label, asForUse)
  const variance = type === 'BatchNormalization' ? node.inputs[4]?.node : undefined
  if (variance?.kind === 'constant' && (variance.tensor.data as Float32Array).some((v) => v < 0))
    return refused(
      `the weights are damaged: the variance ${variance.name ?? ''} of ${title} is negative`.replace('  ', ' '), // prettier-ignore
      variance.name,
      'export the model again, and check its weights before that',
    )
  return undefined
}

const isControlFlow = /^(If|Loop|Scan|SequenceMap)$/
/** An attribute that is a graph (AttributeProto.AttributeType GRAPH, GRAPHS). */
function holdsGraph({ operator, attributes }: OperatorNode): boolean {
  const isGraph = (raw: unknown) => [5, 10].includes((raw as { readonly type?: number }).type ?? 0)
  return (
    isControlFlow.test(operator.type) ||
    Object.values(attributes).some((a) => a.kind === 'raw' && isGraph(a.value))
  )
}

function constantFault(node: Exclude<Node, OperatorNode>): CflowError | undefined {
  if (node.kind !== 'constant') return undefined
  const { dtype, data } = node.tensor
  // one number that is none may be meant, as what others are compared with or replaced by
  if (data.length < 2 || !holdsNaN(dtype, data as Float32Array)) return undefined
  return refused(
    `the weights are damaged: ${node.name ?? 'a tensor'} holds NaN, which is no number`,
    node.name,
    'export the model again, and check its weights before that',
  )
}

function holdsNaN(dtype: string, data: Float32Array | Uint16Array): boolean {
  if (dtype === 'float16') return (data as Uint16Array).some((bits) => (bits & 0x7fff) > 0x7c00)
  return /^float/.test(dtype) && (data as Float32Array).some(Number.isNaN)
}

function int({ attributes }: OperatorNode, name: string): number | undefined {
  const a = attributes[name]
  return a?.kind === 'int' ? a.value : undefined
}

/** The number that a constant of one element holds. */
function numberOf(value: Value | undefined): number | undefined {
  return value?.node.kind === 'constant' ? Number(value.node.tensor.data[0]) : undefined
}

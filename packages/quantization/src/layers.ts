import { CflowError, type Tensor } from '@cflow/base'
import { topologicalOrder, type OperatorNode, type Value } from '@cflow/graph'

/** A model's outputs, and with them all of it. */
export interface Graph {
  readonly outputs: Readonly<Record<string, Value>>
}

/** A product with constant weights: what int8 makes faster. */
export interface Layer {
  /** Name of its weights without `.weight`, such as `_blocks.4._project_conv`, `layer2.0.conv1`, `flow0.block2.subnet.0`. */
  readonly name: string
  readonly node: OperatorNode
  readonly weight: Tensor<'float32'>
  readonly weightName: string
  /** Axis of the weights that runs over output channels. */
  readonly axis: number
  readonly bias: Float32Array | undefined
}

/** The layers of a graph in the order in which they run. */
export function layersOf({ outputs }: Graph): readonly Layer[] {
  const taken = new Set<string>()
  return topologicalOrder(Object.values(outputs)).flatMap((node) => {
    if (node.kind !== 'operator') return []
    const axis = outputAxis(node)
    const weight = floatConstant(node.inputs[1])
    const bias = floatConstant(node.inputs[2])
    if (axis === undefined || !weight || (node.inputs[2] && !bias)) return []
    const weightName = weight.name ?? node.operator.type
    const name = unique(layerName(weightName), taken)
    return [{ name, node, weight: weight.tensor, weightName, axis, bias: bias?.tensor.data }]
  })
}

/** Undefined for what is not a product of the kind that quantised kernels compute. */
function outputAxis({ operator, inputs: [x, w], attributes }: OperatorNode): number | undefined {
  const { type, domain } = operator
  if (domain || x?.dtype !== 'float32' || !w) return undefined
  // one channel, such as the filter that smooths a map: bytes make it no faster, and round the map itself
  if (type === 'Conv') return w.shape[0] === 1 ? undefined : 0
  if (type === 'MatMul') return w.shape.length === 2 ? 1 : undefined
  const number = (name: string, otherwise: number) => {
    const a = attributes[name]
    return a?.kind === 'int' || a?.kind === 'float' ? a.value : otherwise
  }
  if (type !== 'Gemm' || number('alpha', 1) !== 1 || number('beta', 1) !== 1) return undefined
  if (number('transA', 0) !== 0) return undefined
  return number('transB', 0) === 1 ? 0 : 1
}

const floatConstant = (v: Value | undefined) =>
  v?.node.kind === 'constant' && v.dtype === 'float32'
    ? { name: v.node.name, tensor: v.node.tensor as Tensor<'float32'> }
    : undefined

/** `conv1.weight` → `conv1`; a folded flow's `flow0.block1.weight2` → `flow0.block1.subnet.2`, its parameters' name. */
const layerName = (weight: string): string =>
  weight.replace(/\.weight$/, '').replace(/\.weight(\d+)$/, '.subnet.$1')

function unique(wanted: string, taken: Set<string>): string {
  let name = wanted
  for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`
  taken.add(name)
  return name
}

/**
 * Layers that stay in float whatever is asked for. The whitening stretches the directions in which features hardly vary,
 * and with them what quantisation rounds off. The first layer's error goes through all others, and with its three input
 * channels bytes make it no faster.
 */
export const isSensitive = (layer: Layer, layers: readonly Layer[]): boolean =>
  isWhitening(layer) || (layer === layers[0] && layer.node.operator.type === 'Conv')

export const isWhitening = (layer: Layer): boolean => /\.whitening$/.test(layer.name)

/**
 * The names that patterns choose; `*` stands for any text.
 * @throws CflowError NOT_FOUND, listing the names, for a pattern that chooses none
 */
export function selected(patterns: readonly string[], names: readonly string[]): string[] {
  return patterns.flatMap((pattern) => {
    const source = pattern.replace(/[\\^$.|?+()[\]{}]/g, '\\$&').replaceAll('*', '.*')
    const expression = new RegExp(`^${source}$`)
    const matches = names.filter((name) => expression.test(name))
    if (matches.length > 0) return matches
    throw new CflowError('NOT_FOUND', `the detector has no layer ${pattern}`, {
      subject: pattern,
      hint: `its layers are ${names.join(', ')}`,
    })
  })
}

import type { Tensor } from '@cflow/base'
import { constantOf, topologicalOrder } from '@cflow/graph'
import type { OnnxModel, OperatorNode, Value } from '@cflow/graph'

/** A product with constant weights: what int8 makes faster. */
export interface Layer {
  /** Name of its weights without `.weight`, such as `_blocks.4._project_conv`, `layer2.0.conv1`, `flow0.block2.subnet.0`. */
  readonly name: string
  readonly node: OperatorNode
  readonly weight: Tensor<'float32'>
  readonly weightName: string
  /** Axis of the weights that runs over output channels. */
  readonly axis: number
  readonly bias: Tensor<'float32'> | undefined
}

/** The layers of a graph in the order in which they run. */
export function layersOf(model: OnnxModel): readonly Layer[] {
  const taken = new Set<string>()
  return topologicalOrder(Object.values(model.outputs)).flatMap((node) => {
    if (node.kind !== 'operator') return []
    const axis = outputAxis(node)
    const weight = floatConstant(node.inputs[1])
    const bias = floatConstant(node.inputs[2])
    if (axis === undefined || !weight || (node.inputs[2] && !bias)) return []
    const weightName = nameOf(node.inputs[1]) ?? node.operator.type
    const name = unique(layerName(weightName), taken)
    return [{ name, node, weight, weightName, axis, bias }]
  })
}

/** Undefined for what is not a product of the kind that quantised kernels compute. */
function outputAxis(node: OperatorNode): number | undefined {
  const { type, domain } = node.operator
  const [x, w] = node.inputs
  if (domain || !x || !w || x.dtype !== 'float32') return undefined
  const number = (name: string, otherwise: number) => {
    const a = node.attributes[name]
    return a?.kind === 'int' || a?.kind === 'float' ? a.value : otherwise
  }
  switch (type) {
    case 'Conv':
      return 0
    case 'MatMul':
      return w.shape.length === 2 ? 1 : undefined
    case 'Gemm':
      if (number('alpha', 1) !== 1 || number('beta', 1) !== 1 || number('transA', 0) !== 0)
        return undefined
      return number('transB', 0) === 1 ? 0 : 1
    default:
      return undefined
  }
}

function floatConstant(v: Value | undefined): Tensor<'float32'> | undefined {
  if (v?.node.kind !== 'constant' || v.dtype !== 'float32') return undefined
  return constantOf(v, 'the weights') as Tensor<'float32'>
}

const nameOf = (v: Value | undefined): string | undefined =>
  v?.node.kind === 'constant' ? v.node.name : undefined

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

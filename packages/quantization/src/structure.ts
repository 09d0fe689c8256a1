import { topologicalOrder, type Node, type OperatorNode, type Value } from '@cflow/graph'
import { layersOf, type Graph, type Layer } from './layers.js'

/** What quantisation needs to know of a float graph, found once. */
export interface Structure extends Graph {
  readonly order: readonly Node[]
  readonly layers: readonly Layer[]
  readonly layerOf: ReadonlyMap<Node, Layer>
  /** Values that may become bytes: inputs of layers, outputs of convolutions, sums of such outputs. */
  readonly points: readonly Value[]
  /** Points that a convolution or a sum makes as bytes, to the node that makes them. */
  readonly maker: ReadonlyMap<Value, OperatorNode>
  /** The value after the activation that follows, where nothing else sees the value before it. */
  activated(v: Value): Value
}

/** Operators that move elements or choose among them, so that bytes go through them unchanged. */
const movements = new Set(['Pad', 'MaxPool', 'Transpose', 'Reshape'])

const typeOf = (v: Value): string => (v.node.kind === 'operator' ? v.node.operator.type : '')
const inputOf = (v: Value): Value => (v.node as OperatorNode).inputs[0] as Value

export function isMovement(v: Value): boolean {
  if (v.node.kind !== 'operator' || v.node.operator.domain || !movements.has(typeOf(v)))
    return false
  const mode = v.node.attributes['mode']
  return typeOf(v) !== 'Pad' || (mode?.kind === 'string' && mode.value !== 'constant')
}

/** The value whose elements a chain of movements moves. */
export function rootOf(v: Value): Value {
  let root = v
  while (isMovement(root)) root = inputOf(root)
  return root
}

/** Upper end of an activation that saturating bytes compute for free (ReLU, ReLU6); undefined for other values. */
export function saturation(v: Value): number | undefined {
  if (typeOf(v) === 'Relu') return Infinity
  if (typeOf(v) !== 'Clip') return undefined
  const [, low, high] = (v.node as OperatorNode).inputs
  const scalarOf = (x: Value | undefined) =>
    x?.node.kind === 'constant' ? Number(x.node.tensor.data[0]) : undefined
  return scalarOf(low) === 0 ? (high ? scalarOf(high) : Infinity) : undefined
}

/** What a value saturates, or itself. */
export const beforeSaturation = (v: Value): Value => (saturation(v) === undefined ? v : inputOf(v))

export function structureOf({ outputs }: Graph): Structure {
  const results = Object.values(outputs)
  const order = topologicalOrder(results)
  const layers = layersOf({ outputs })
  const layerOf = new Map<Node, Layer>(layers.map((l) => [l.node, l]))
  const users = usersOf(order)
  const activated = (v: Value): Value => {
    const [user, another] = users.get(v) ?? []
    const next = user?.outputs[0]
    return next && !another && !results.includes(v) && saturation(next) !== undefined ? next : v
  }
  const readInFloat = (v: Value): boolean =>
    results.includes(v) ||
    (users.get(v) ?? []).some((node) => {
      const out = node.outputs[0] as Value
      if (layerOf.has(node) || node.operator.type === 'Add') return false
      return !isMovement(out) || readInFloat(out)
    })

  const maker = new Map<Value, OperatorNode>()
  const points = new Set<Value>()
  const makesBytes = (v: Value | undefined) => v !== undefined && maker.has(rootOf(v))
  for (const node of order) {
    if (node.kind !== 'operator') continue
    const layer = layerOf.get(node)
    if (layer) points.add(rootOf(node.inputs[0] as Value))
    const out = activated(node.outputs[0] as Value)
    const isConv = layer && node.operator.type === 'Conv'
    const isSum = node.operator.type === 'Add' && node.inputs.every(makesBytes)
    // a feature map that the flows read is summed in float: bytes would round it once more, and clip its outliers
    if (!isConv && !(isSum && !readInFloat(out))) continue
    maker.set(out, node)
    points.add(out)
  }
  return { outputs, order, layers, layerOf, points: [...points], maker, activated }
}

function usersOf(order: readonly Node[]): ReadonlyMap<Value, readonly OperatorNode[]> {
  const users = new Map<Value, OperatorNode[]>()
  for (const node of order)
    if (node.kind === 'operator')
      for (const v of node.inputs) if (v) users.set(v, [...(users.get(v) ?? []), node])
  return users
}

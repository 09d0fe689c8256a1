import { sizeOf } from '@cflow/base'
import { staticShape, topologicalOrder, type OperatorNode, type Value } from '@cflow/graph'

/**
 * Multiply–accumulate operations of the convolutions and matrix products that values depend on; everything else of a
 * network is small beside them. Shapes must be known: build the graph on an input with a batch of 1.
 * @throws CflowError SHAPE where the size of a product is not known in advance
 */
export function multiplyAccumulates(outputs: readonly Value[]): number {
  let total = 0
  for (const node of topologicalOrder(outputs)) if (node.kind === 'operator') total += ofNode(node)
  return total
}

function ofNode({ operator, inputs, outputs, attributes }: OperatorNode): number {
  const shapeOf = (value: Value | undefined) => staticShape(value as Value, operator.type)
  if (operator.type === 'Conv')
    // weights [M, C/groups, kH, kW]: every output is a sum over the last three
    return sizeOf(shapeOf(outputs[0])) * sizeOf(shapeOf(inputs[1]).slice(1))
  if (operator.type === 'MatMul')
    return sizeOf(shapeOf(outputs[0])) * (shapeOf(inputs[0]).at(-1) as number)
  if (operator.type === 'Gemm') {
    const transposed = attributes['transA']
    const first = transposed?.kind === 'int' && transposed.value === 1
    return sizeOf(shapeOf(outputs[0])) * (shapeOf(inputs[0])[first ? 0 : 1] as number)
  }
  return 0
}

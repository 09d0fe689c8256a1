import { topologicalOrder, type OperatorNode, type Value } from '@cflow/graph'

/** Values that are looked at in one go. */
const probesAtOnce = 24

/**
 * The operator from which on values are bad: nothing that it takes is.
 * @param start a bad value
 * @param isBad which of some values are; where that cannot be found out, none
 */
export async function culprit(
  start: Value,
  isBad: (values: readonly Value[]) => Promise<readonly boolean[]>,
): Promise<OperatorNode> {
  const firstBad = async (values: readonly Value[]): Promise<Value | undefined> =>
    values[(await isBad(values).catch((): readonly boolean[] => [])).indexOf(true)]
  let suspect = start
  for (;;) {
    const node = suspect.node as OperatorNode
    const operands = node.inputs.flatMap((v) => (v?.node.kind === 'operator' ? v : []))
    const before = topologicalOrder(operands).flatMap((n) => (n.kind === 'operator' ? n.outputs : [])) // prettier-ignore
    const probes = spread(before, probesAtOnce)
    const found = await firstBad(probes)
    const next = found ?? (probes.length < before.length ? await firstBad(operands) : undefined)
    if (!next) return node
    suspect = next
  }
}

/** At most `count` items, evenly spread. */
function spread<T>(items: readonly T[], count: number): readonly T[] {
  if (items.length <= count) return items
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)] as T)
}

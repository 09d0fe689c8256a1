import { constantOf, topologicalOrder, type OperatorNode, type Value } from '@cflow/graph'

/** A shift along an axis in which what goes out at one end comes in at the other. */
interface Roll {
  readonly source: Value
  readonly axis: number
  readonly sign: number
}

/**
 * Values that hold a map that was rolled and not yet rolled back, as in the shifted windows of a Swin transformer: what
 * is at a place of them was elsewhere in the image.
 */
export function rolledValues(values: readonly Value[]): ReadonlySet<Value> {
  const pending = new Map<Value, readonly Omit<Roll, 'source'>[]>()
  const rolled = new Set<Value>()
  for (const node of topologicalOrder(values)) {
    if (node.kind !== 'operator') continue
    const roll = rollOf(node)
    const inputs = roll ? [roll.source] : node.inputs
    const before = inputs.map((v) => (v && pending.get(v)) ?? []).find((p) => p.length > 0) ?? []
    const now = roll ? joined(before, roll) : before
    if (now.length === 0) continue
    for (const v of node.outputs) {
      pending.set(v, now)
      rolled.add(v)
    }
  }
  return rolled
}

/** Rolls after another one, which may undo one of them. */
function joined(before: readonly Omit<Roll, 'source'>[], { axis, sign }: Roll) {
  const undone = before.findIndex((r) => r.axis === axis || r.sign === -sign)
  return undone < 0 ? [...before, { axis, sign }] : before.filter((_, i) => i !== undone)
}

function rollOf(node: OperatorNode): Roll | undefined {
  try {
    return node.operator.type === 'Concat' ? joinedSlices(node) : gathered(node)
  } catch {
    return undefined // what it slices or gathers by is not known
  }
}

/** The end of an axis and then its beginning, as torch.roll is exported. */
function joinedSlices(node: OperatorNode): Roll | undefined {
  const parts = node.inputs.map((v) => v && sliceOf(v))
  const [end, begin] = parts
  if (parts.length !== 2 || !end || !begin || end.source !== begin.source) return undefined
  const cut = end.start
  const fits = end.axis === begin.axis && cut !== 0 && begin.start === 0 && begin.end === cut
  const size = end.source.shape[end.axis]
  const positive = cut < 0 || (typeof size === 'number' && cut > size / 2)
  const whole = end.end > 1e6 || end.end === size
  return fits && whole ? { source: end.source, axis: end.axis, sign: positive ? 1 : -1 } : undefined
}

function sliceOf({ node }: Value) {
  if (node.kind !== 'operator' || node.operator.type !== 'Slice') return undefined
  const [source, ...rest] = node.inputs
  const [starts, ends, axes = [0], steps = [1]] = rest.map((v) => v && numbersOf(v))
  if (!source || starts?.length !== 1 || ends?.length !== 1 || steps[0] !== 1) return undefined
  return { source, start: starts[0] as number, end: ends[0] as number, axis: axes[0] as number }
}

function gathered({ operator, inputs, attributes }: OperatorNode): Roll | undefined {
  const [source, indices] = inputs
  if (operator.type !== 'Gather' || !source || !indices) return undefined
  const order = numbersOf(indices)
  const [first = 0] = order
  const n = order.length
  if (first === 0 || n < 4 || order.some((v, i) => v !== (first + i) % n)) return undefined
  const axis = attributes['axis']
  return { source, axis: axis?.kind === 'int' ? axis.value : 0, sign: first > n / 2 ? 1 : -1 }
}

const numbersOf = (v: Value): readonly number[] =>
  Array.from(constantOf(v, 'indices').data as ArrayLike<number | bigint>, Number)

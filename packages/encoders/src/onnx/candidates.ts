import { CflowError } from '@cflow/base'
import type { OnnxModel, Value } from '@cflow/graph'

/**
 * Names of the values that are likely to be worth tapping, in the graph's order: those that several operators use (the
 * outputs of residual blocks), the output of the last block, and the outputs of the model. All inner values where there
 * are no blocks.
 */
export function candidateTaps(model: OnnxModel): readonly string[] {
  const uses = new Map<Value, number>()
  const nodes = new Set([...model.values.values()].map((v) => v.node))
  for (const node of nodes)
    if (node.kind === 'operator' && !['Shape', 'Size'].includes(node.operator.type))
      for (const v of new Set(node.inputs)) if (v) uses.set(v, (uses.get(v) ?? 0) + 1)
  const inner = tappable(model)
  const outputs = new Set(Object.keys(model.outputs))
  const junctions = inner.filter(([, v]) => (uses.get(v) ?? 0) > 1)
  if (junctions.length === 0) return inner.map(([name]) => name)
  // the last block's output has one use only: it is made by the same operator as that of the blocks before
  const last = inner.findLast(([, v]) => typeOf(v) === typeOf(junctions.at(-1)![1]))
  return inner
    .filter((entry) => junctions.includes(entry) || entry === last || outputs.has(entry[0]))
    .map(([name]) => name)
}

const typeOf = (v: Value): string | undefined =>
  v.node.kind === 'operator' ? v.node.operator.type : undefined

/** Inner values of the rank of a feature map or of tokens, or of unknown rank. */
function tappable(model: OnnxModel): [string, Value][] {
  return [...model.values].filter(
    ([, v]) =>
      v.node.kind === 'operator' &&
      ['float32', 'float16'].includes(v.dtype) &&
      [0, 3, 4].includes(v.shape.length),
  )
}

const maxListed = 12

/**
 * The values with those names.
 * @throws CflowError NOT_FOUND that lists taps that exist, those with similar names first
 */
export function findTaps(model: OnnxModel, names: readonly string[]): readonly Value[] {
  return names.map((name) => {
    const value = model.values.get(name)
    if (value?.node.kind === 'operator') return value
    const wanted = words(name)
    const all = tappable(model).map(([n]) => n)
    const similar = all
      .map((n) => ({ n, shared: words(n).filter((w) => wanted.includes(w)).length }))
      .filter(({ shared }) => shared > 0)
      .sort((a, b) => b.shared - a.shared)
      .map(({ n }) => n)
    const shown = [...new Set([...similar.slice(0, 4), ...spread(candidateTaps(model), maxListed)])]
    const listed = shown.slice(0, maxListed)
    const more = all.length > listed.length ? ` … (${all.length} in all)` : ''
    throw new CflowError('NOT_FOUND', `the model has no value called ${name}`, {
      subject: name,
      hint: all.length > 0 ? `it has ${listed.join(', ')}${more}` : 'it has no inner values',
    })
  })
}

/** Parts of a name that tell something: `/layer2/layer2.1/Relu_output_0` → layer2, layer2.1, relu. */
const words = (name: string): string[] =>
  name
    .toLowerCase()
    .split(/[/_:]+/)
    .filter((w) => w.length > 1 && w !== 'output')

/** At most `count` items, evenly spread, the last one among them. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items]
  const step = (items.length - 1) / (count - 1)
  return Array.from({ length: count }, (_, i) => items[Math.round(i * step)] as T)
}

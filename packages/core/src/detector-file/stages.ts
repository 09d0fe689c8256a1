import {
  input,
  readOnnx,
  topologicalOrder,
  withInputs,
  writeOnnx,
  type Node,
  type Value,
} from '@cflow/graph'

/** One part of a detector as a model of its own. Its inputs are the image or outputs of stages before it. */
export interface DetectorStage {
  readonly name: string
  readonly model: Uint8Array
}

/** Labels for the nodes with which a stage ends (`OnnxOptions.labels`). */
export const stageLabels = (stage: string, values: readonly Value[]): Record<string, Value> =>
  Object.fromEntries(values.map((v, i) => [`stage ${stage} ${i}`, v]))

const stageOf = (node: Node): string | undefined =>
  node.kind === 'operator' ? /^stage (.+) \d+$/.exec(node.label ?? '')?.[1] : undefined

/**
 * A detector file cut into the stages that its writer has labelled, in the order in which they run, so that each can be
 * timed: `preprocessing`, `encoder`, the head's, and `score`, which is what is left. A file that was written without
 * labels has no stages.
 * @throws CflowError MODEL when it is not an ONNX file
 */
export function detectorStages(bytes: Uint8Array): readonly DetectorStage[] {
  const { outputs } = readOnnx(bytes)
  const order = topologicalOrder(Object.values(outputs))
  const [stages, levels] = levelsOf(order)

  const names = new Map<Value, string>(Object.entries(outputs).map(([name, v]) => [v, name]))
  const results = stages.map((): Record<string, Value> => ({}))
  const give = (v: Value): string => {
    const name = names.get(v) ?? `cut${names.size}`
    names.set(v, name)
    results[levels.get(v.node) as number]![name] = v
    return name
  }
  for (const v of Object.values(outputs)) if (levels.has(v.node)) give(v)
  const feeds = stages.map(() => new Map<Value, Value>())
  const made = new Map<Node, readonly Value[]>()
  for (const node of order) {
    const level = levels.get(node)
    if (node.kind !== 'operator' || level === undefined) continue
    const inputs = node.inputs.map((v) => {
      const from = v && levels.get(v.node)
      if (!v || from === undefined) return v
      if (from === level) return made.get(v.node)![v.index]
      const fed = feeds[level]!
      if (!fed.has(v)) fed.set(v, input(give(v), v.dtype, v.shape))
      return fed.get(v)
    })
    made.set(node, withInputs(node, inputs))
  }
  return stages.map((name, level) => {
    const cut = Object.entries(results[level]!).map(
      ([key, v]) => [key, made.get(v.node)![v.index]!] as const,
    )
    return { name, model: writeOnnx(Object.fromEntries(cut)) }
  })
}

/** The stages, and to which every operator that depends on an input belongs: the first for whose ends it is needed. */
function levelsOf(order: readonly Node[]): [stages: string[], levels: Map<Node, number>] {
  const dynamic = new Set<Node>()
  for (const node of order)
    if (
      node.kind === 'input' ||
      (node.kind === 'operator' && node.inputs.some((v) => v && dynamic.has(v.node)))
    )
      // prettier-ignore
      dynamic.add(node)
  const stages = [...new Set(order.flatMap((node) => stageOf(node) ?? []))]
  const levels = new Map<Node, number>()
  if (stages.length === 0) return [stages, levels]
  const assign = (nodes: readonly Node[], level: number) => {
    for (const node of nodes)
      if (node.kind === 'operator' && dynamic.has(node) && !levels.has(node))
        levels.set(node, level)
  }
  for (const [level, stage] of stages.entries()) {
    const ends = order.filter((node) => stageOf(node) === stage)
    assign(topologicalOrder(ends.map((node) => ({ node }) as Value)), level)
  }
  assign(order, stages.push('score') - 1)
  return [stages, levels]
}

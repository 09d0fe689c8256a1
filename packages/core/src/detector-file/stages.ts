import { input, readOnnx, topologicalOrder, withInputs, writeOnnx, type Node, type Value } from '@cflow/graph' // prettier-ignore

/** One part of a detector as a model of its own. Its inputs are the image or outputs of stages before it. */
export interface DetectorStage {
  readonly name: string
  readonly model: Uint8Array
}

/** Labels for the nodes with which a stage ends (`OnnxOptions.labels`). */
export const stageLabels = (stage: string, values: readonly Value[]): Record<string, Value> =>
  Object.fromEntries(values.map((v, i) => [`stage ${stage} ${i}`, v]))

/**
 * A detector file cut into the stages that its writer has labelled, in the order in which they run, so that each can be
 * timed: `preprocessing`, `encoder`, the head's, and `score`, which is what is left. A file that was written without
 * labels has no stages.
 * @throws CflowError MODEL when it is not an ONNX file
 */
export function detectorStages(bytes: Uint8Array): readonly DetectorStage[] {
  const { outputs } = readOnnx(bytes)
  const stages = new Map<string, Record<string, Value>>()
  for (const node of topologicalOrder(Object.values(outputs))) {
    const label = (node.kind === 'operator' && node.label) || ''
    const [, stage] = /^stage (.+) \d+$/.exec(label) ?? []
    if (stage !== undefined && node.kind === 'operator')
      stages.set(stage, { ...stages.get(stage), [label]: node.outputs[0] as Value })
  }
  if (stages.size === 0) return []
  /** What earlier stages give, as inputs of the next ones. */
  const given = new Map<Node, readonly Value[]>()
  return [...stages, ['score', outputs] as const].map(([name, ends]) => {
    const made = new Map(given)
    const valueOf = (v: Value): Value => made.get(v.node)?.[v.index] ?? v
    for (const node of topologicalOrder(Object.values(ends)))
      if (node.kind === 'operator' && !made.has(node))
        made.set(node, withInputs(node, node.inputs.map((v) => v && valueOf(v)))) // prettier-ignore
    const cut = Object.entries(ends).map(([end, v]) => [end, valueOf(v)] as const)
    for (const [end, v] of Object.entries(ends)) given.set(v.node, [input(end, v.dtype, v.shape)])
    return { name, model: writeOnnx(Object.fromEntries(cut)) }
  })
}

import { input, readOnnx, topologicalOrder, withInputs, writeOnnx } from '@cflow/graph'
import type { Node, Value } from '@cflow/graph'
import { detectorNames } from './graph.js'

/** Parts of a detector's graph, in the order in which they run. */
export const stageNames = ['preprocessing', 'encoder', 'flows', 'score'] as const
export type StageName = (typeof stageNames)[number]

/** One part of a detector as a model of its own. Its inputs are the image or outputs of stages before it. */
export interface DetectorStage {
  readonly name: StageName
  readonly model: Uint8Array
}

/**
 * A detector file cut into the stages of its graph, so that each can be timed. The encoder begins at the first
 * convolution; the flows are what uses constants named `flow…`; the score is what follows the likelihoods. A stage that
 * the graph does not have is left out.
 * @throws CflowError MODEL when it is not an ONNX file
 */
export function detectorStages(bytes: Uint8Array): readonly DetectorStage[] {
  const { outputs } = readOnnx(bytes)
  const order = topologicalOrder(Object.values(outputs))
  const levels = levelsOf(order, outputs)

  const names = new Map<Value, string>(Object.entries(outputs).map(([name, v]) => [v, name]))
  const results: Record<string, Value>[] = stageNames.map(() => ({}))
  const give = (v: Value): string => {
    const name = names.get(v) ?? `cut${names.size}`
    names.set(v, name)
    results[levels.get(v.node) as number]![name] = v
    return name
  }
  for (const v of Object.values(outputs)) if (levels.has(v.node)) give(v)
  const feeds = stageNames.map(() => new Map<Value, Value>())
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
  return stageNames.flatMap((name, level) => {
    const cut = Object.entries(results[level]!).map(
      ([key, v]) => [key, made.get(v.node)![v.index]!] as const,
    )
    return cut.length === 0 ? [] : [{ name, model: writeOnnx(Object.fromEntries(cut)) }]
  })
}

/** The stage of every operator that depends on the image; constants and what is computed from them have none. */
function levelsOf(
  order: readonly Node[],
  outputs: Readonly<Record<string, Value>>,
): ReadonlyMap<Node, number> {
  const likelihoods = new Set<Node>()
  for (let k = 0; outputs[detectorNames.logLikelihood(k)]; k++)
    likelihoods.add(outputs[detectorNames.logLikelihood(k)]!.node)
  const levels = new Map<Node, number>()
  const ofFlow = new Set<Node>()
  for (const node of order) {
    if (node.kind === 'constant' && /^flow\d/.test(node.name ?? '')) ofFlow.add(node)
    if (node.kind !== 'operator') continue
    const inputs = node.inputs.flatMap((v) => (v ? [v.node] : []))
    const dynamic = inputs.some((n) => n.kind === 'input' || levels.has(n))
    const constantFlow = inputs.some((n) => ofFlow.has(n))
    if (!dynamic) {
      if (constantFlow) ofFlow.add(node)
      continue
    }
    const own = constantFlow ? 2 : node.operator.type === 'Conv' ? 1 : 0
    const before = inputs.map((n) => (likelihoods.has(n) ? 3 : (levels.get(n) ?? 0)))
    levels.set(node, Math.max(own, ...before))
  }
  return levels
}

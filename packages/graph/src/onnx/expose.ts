import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, ValueInfoProtoSchema, type GraphProto } from './generated/onnx_pb.js'

/**
 * An ONNX file as it is, but for its outputs: those of the named values that its graph makes. (Values inside of
 * functions are none of them.) What they do not need is left out.
 * @returns undefined where it makes none of them
 */
export function withOutputs(bytes: Uint8Array, names: readonly string[]): Uint8Array | undefined {
  const model = fromBinary(ModelProtoSchema, bytes)
  const { graph } = model
  if (!graph) return undefined
  const made = new Set(graph.node.flatMap((node) => node.output))
  const known = new Map(graph.output.map((info) => [info.name, info] as const))
  graph.output = names
    .filter((name) => made.has(name))
    .map((name) => known.get(name) ?? create(ValueInfoProtoSchema, { name }))
  if (graph.output.length === 0) return undefined
  leaveOutUnneeded(graph)
  return toBinary(ModelProtoSchema, model)
}

function leaveOutUnneeded(graph: GraphProto): void {
  // control flow uses values that are not among its inputs
  if (graph.node.some((node) => node.attribute.some((a) => a.g ?? a.graphs.length > 0))) return
  const makers = new Map(graph.node.flatMap((node) => node.output.map((name) => [name, node])))
  const needed = new Set<string>()
  const open = graph.output.map((info) => info.name)
  for (let name = open.pop(); name !== undefined; name = open.pop()) {
    if (needed.has(name)) continue
    needed.add(name)
    open.push(...(makers.get(name)?.input ?? []))
  }
  graph.node = graph.node.filter((node) => node.output.some((name) => needed.has(name)))
  const left = new Set(graph.initializer.flatMap((t) => (needed.has(t.name) ? [] : t.name)))
  graph.initializer = graph.initializer.filter((t) => needed.has(t.name))
  // old files list their weights among the inputs
  graph.input = graph.input.filter((info) => !left.has(info.name))
}

import { create, fromBinary, toBinary } from '@bufbuild/protobuf'
import { ModelProtoSchema, ValueInfoProtoSchema } from './generated/onnx_pb.js'

/**
 * An ONNX file as it is, but for its outputs: those of the named values that its graph makes. (Values inside of
 * functions are none of them.)
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
  return graph.output.length > 0 ? toBinary(ModelProtoSchema, model) : undefined
}

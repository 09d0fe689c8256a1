import { clone, create, equals } from '@bufbuild/protobuf'
import { CflowError } from '@cflow/base'
import type { Value } from '../value.js'
import {
  AttributeProto_AttributeType as types,
  GraphProtoSchema,
  TensorShapeProto_DimensionSchema,
  TypeProtoSchema,
  ValueInfoProtoSchema,
  type GraphProto,
  type ValueInfoProto,
} from './generated/onnx_pb.js'
import { graphProto, modelBytes, type OnnxOptions } from './write.js'

/** Symbol of the leading axis of what a scanned graph takes and gives each round. */
const roundsAxis = 'rounds'

/**
 * A graph that is applied round after round in one run, as an ONNX file (one `Scan`). What is carried from round to round
 * is an input and an output of the file in its own shape: before the first round, and after the last one. Every other
 * input and output has a leading axis of its own, the rounds.
 * @param outputs name of each output of a round and the value it stands for
 * @param state name of a carried output to the name of the input that has its value in the next round
 * @throws CflowError SHAPE when a carried output or input is not in the graph, or one does not fit the other
 */
export function writeScan(
  outputs: Readonly<Record<string, Value>>,
  state: Readonly<Record<string, string>>,
  options: OnnxOptions = {},
): Uint8Array {
  const { graph: round, order } = graphProto(outputs, 'round')
  const carried = Object.entries(state).map(([output, input]) => {
    const [to, from] = [named(round.input, input), named(round.output, output)]
    if (!to?.type || !from?.type || !equals(TypeProtoSchema, to.type, from.type))
      throw new CflowError('SHAPE', `${output} cannot be carried into ${input}`, { subject: output }) // prettier-ignore
    return [to, from] as const
  })
  const taken = carried.map(([input]) => input)
  const kept = carried.map(([, output]) => output)
  const each = round.input.filter((v) => !taken.includes(v))
  const gained = round.output.filter((v) => !kept.includes(v))
  const input = [...taken, ...each]
  const output = [...kept, ...gained]
  const scan = {
    opType: 'Scan',
    input: input.map((v) => v.name),
    output: output.map((v) => v.name),
    attribute: [
      { name: 'body', type: types.GRAPH, g: inScope('round/', { ...round, input, output }) },
      { name: 'num_scan_inputs', type: types.INT, i: BigInt(each.length) },
    ],
  }
  const graph = create(GraphProtoSchema, {
    name: options.name ?? 'graph',
    node: [scan],
    input: [...taken, ...each.map(everyRound)],
    output: [...kept, ...gained.map(everyRound)],
  })
  return modelBytes(graph, order, options)
}

const named = (values: readonly ValueInfoProto[], name: string) =>
  values.find((v) => v.name === name)

/** The graph with a prefix before all its names: those of an inner graph must not be those of the one around it. */
function inScope(prefix: string, graph: GraphProto): GraphProto {
  const inner = (name: string) => (name === '' ? '' : prefix + name)
  const renamed = <T extends { readonly name: string }>(v: T): T => ({ ...v, name: inner(v.name) })
  return {
    ...graph,
    node: graph.node.map((n) => ({ ...n, input: n.input.map(inner), output: n.output.map(inner) })),
    initializer: graph.initializer.map(renamed),
    input: graph.input.map(renamed),
    output: graph.output.map(renamed),
  }
}

/** The same tensor of every round, one after the other along a new leading axis. */
function everyRound(value: ValueInfoProto): ValueInfoProto {
  const copy = clone(ValueInfoProtoSchema, value)
  const type = copy.type?.value
  const rounds = { value: { case: 'dimParam', value: roundsAxis } } as const
  if (type?.case === 'tensorType')
    type.value.shape?.dim.unshift(create(TensorShapeProto_DimensionSchema, rounds))
  return copy
}

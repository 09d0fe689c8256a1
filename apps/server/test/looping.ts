/** Bytes of protobuf, of the few kinds that a graph needs. */
const varint = (value: bigint): number[] =>
  value < 128n ? [Number(value)] : [Number(value & 127n) | 128, ...varint(value >> 7n)]
const number = (field: number, value: bigint): number[] => [...varint(BigInt(field << 3)), ...varint(value)] // prettier-ignore
const bytes = (field: number, content: readonly number[] | string): number[] => {
  const own = typeof content === 'string' ? [...new TextEncoder().encode(content)] : content
  return [...varint(BigInt((field << 3) | 2)), ...varint(BigInt(own.length)), ...own]
}

const [float, int64, bool] = [1n, 7n, 9n]
const value = (name: string, type: bigint): number[] => [
  ...bytes(1, name),
  // a tensor type: its element, and a shape without dimensions
  ...bytes(2, bytes(1, [...number(1, type), ...bytes(2, [])])),
]
const node = (
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  more: readonly number[] = [],
): number[] => [
  // prettier-ignore
  ...inputs.flatMap((name) => bytes(1, name)),
  ...outputs.flatMap((name) => bytes(2, name)),
  ...bytes(4, type),
  ...more,
]
const scalar = (name: string, type: bigint, raw: ArrayBufferLike): number[] => [
  ...number(2, type),
  ...bytes(8, name),
  ...bytes(9, [...new Uint8Array(raw)]),
]

/**
 * A detector that is as it was, but for an operator that counts to 2⁶⁰ before it answers: a file may say a part of the graph
 * twice, and both are one.
 */
export function looping(model: Uint8Array): Uint8Array {
  const body = [
    ...bytes(1, node('Identity', ['go'], ['go_on'])),
    ...bytes(1, node('Add', ['sum', 'endless.one'], ['next'])),
    ...bytes(2, 'body'),
    ...[value('i', int64), value('go', bool), value('sum', float)].flatMap((v) => bytes(11, v)),
    ...[value('go_on', bool), value('next', float)].flatMap((v) => bytes(12, v)),
  ]
  // an attribute that is a graph
  const attribute = bytes(5, [...bytes(1, 'body'), ...bytes(6, body), ...number(20, 5n)])
  const graph = [
    ...bytes(1, node('Loop', ['endless.count', '', 'endless.one'], ['endless.out'], attribute)),
    ...bytes(5, scalar('endless.count', int64, BigInt64Array.of(2n ** 60n).buffer)),
    ...bytes(5, scalar('endless.one', float, Float32Array.of(1).buffer)),
    ...bytes(12, value('endless.out', float)),
  ]
  return Buffer.concat([model, Uint8Array.from(bytes(7, graph))])
}

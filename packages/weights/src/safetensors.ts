import { CflowError, bytesPerElement, sizeOf, type Tensor } from '@cflow/base'
import { z } from 'zod'
import { safetensorsName, safetensorsType } from './element-types.js'
import { withUnread, type WeightFormat, type Weights } from './weights.js'

/** The bound that the format's own reader sets. */
const maxHeader = 100_000_000

const index = z.number().int().nonnegative()
const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(index).max(8),
  data_offsets: z.tuple([index, index]),
})
const metadataSchema = z.record(z.string(), z.string()).default({})
const headerSchema = z.object({ __metadata__: metadataSchema }).catchall(entrySchema)

const invalid = (what: string, subject?: string): CflowError =>
  new CflowError(
    'WEIGHTS',
    `not a valid safetensors file: ${what}`,
    subject === undefined ? {} : { subject },
  )

/**
 * Tensors of a safetensors file, in the order in which they lie in it, and its metadata. The file is untrusted; as the
 * format asks, the tensors must fill it without gaps or overlaps. bfloat16 becomes float32 and int16 int32, exactly.
 * Those of element types that there are no tensors of are left out and listed in `tensors.unread`.
 * @throws CflowError WEIGHTS when it is no such file or is damaged
 */
export function readSafetensors(bytes: Uint8Array): {
  readonly tensors: Weights
  readonly metadata: Record<string, string>
} {
  const { header, start } = parseHeader(bytes)
  const { __metadata__: metadata, ...entries } = header
  const sorted = Object.entries(entries).sort(
    ([, { data_offsets: a }], [, { data_offsets: b }]) => a[0] - b[0] || a[1] - b[1],
  )
  const tensors = new Map<string, Tensor>()
  const unread = new Map<string, string>()
  let position = start
  for (const [name, { dtype, shape, data_offsets }] of sorted) {
    const [from, to] = data_offsets.map((n) => start + n) as [number, number]
    const type = safetensorsType(dtype)
    if (from !== position) throw invalid(`${name} overlaps or leaves a gap`, name)
    if (to < from || (type && to - from !== Math.ceil(sizeOf(shape) * type.bytes)))
      throw invalid(`${name} takes ${to - from} bytes, which is not its shape [${shape.join(', ')}]`, name) // prettier-ignore
    if (to > bytes.length) throw invalid(`${name} lies beyond the end of the file`, name)
    if (!type || type.unread !== undefined) unread.set(name, type?.unread ?? dtype)
    else
      tensors.set(name, { dtype: type.dtype, shape, data: type.decode(bytes.subarray(from, to)) })
    position = to
  }
  if (position !== bytes.length) throw invalid('its length is not that of its tensors')
  return { tensors: withUnread(tensors, unread), metadata }
}

function parseHeader(bytes: Uint8Array) {
  if (bytes.length < 8) throw invalid('it is too short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const start = 8 + Number(view.getBigUint64(0, true))
  if (start > 8 + maxHeader || start > bytes.length) throw invalid('its header is too long')
  let json: unknown
  try {
    json = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, start)))
  } catch {
    throw invalid('its header is not JSON')
  }
  const header = headerSchema.safeParse(json)
  if (header.success) return { header: header.data, start }
  const [name] = header.error.issues[0]?.path ?? []
  if (name === undefined) throw invalid('its header is not an object')
  throw invalid(`the description of ${String(name)} is wrong`, String(name))
}

/**
 * Tensors as a safetensors file. The same tensors give the same bytes, in whatever order they come: as the format's own
 * writer does, larger elements first, then by name.
 * @param metadata text by key, kept in the header
 */
export function writeSafetensors(
  tensors: Weights,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  const sorted = [...tensors].sort(
    ([a, s], [b, t]) => bytesPerElement[t.dtype] - bytesPerElement[s.dtype] || compare(a, b),
  )
  const header: [string, unknown][] = []
  const texts = Object.entries(metadata).sort(([a], [b]) => compare(a, b))
  if (texts.length > 0) header.push(['__metadata__', Object.fromEntries(texts)])
  let size = 0
  for (const [name, tensor] of sorted) {
    const end = size + tensor.data.byteLength
    header.push([
      name,
      { dtype: safetensorsName(tensor.dtype), shape: tensor.shape, data_offsets: [size, end] },
    ])
    size = end
  }
  const json = new TextEncoder().encode(object(header))
  const start = 8 + Math.ceil(json.length / 8) * 8
  const bytes = new Uint8Array(start + size).fill(0x20, 0, start)
  new DataView(bytes.buffer).setBigUint64(0, BigInt(start - 8), true)
  bytes.set(json, 8)
  let position = start
  for (const [, tensor] of sorted) {
    const { buffer, byteOffset, byteLength } = tensor.data
    bytes.set(new Uint8Array(buffer, byteOffset, byteLength), position)
    position += byteLength
  }
  return bytes
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** JSON of an object whose keys keep their order, whatever they are. */
const object = (entries: readonly (readonly [string, unknown])[]): string =>
  `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`

/** Safetensors: a header of JSON, which begins after its length of 8 bytes, and the tensors. */
export const safetensors: WeightFormat = {
  name: 'safetensors',
  matches: (bytes) => bytes[8] === 0x7b,
  read: (bytes) => readSafetensors(bytes).tensors,
}

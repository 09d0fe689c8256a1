import { CflowError, bytesPerElement, sizeOf, type Tensor } from '@cflow/base'
import { z } from 'zod'
import { safetensorsName, safetensorsType } from './element-types.js'
import type { WeightFormat, Weights } from './weights.js'

/** The bound that the format's own reader sets. */
const maxHeader = 100_000_000

const index = z.number().int().nonnegative()
const entrySchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(index).max(8),
  data_offsets: z.tuple([index, index]),
})
const metadataSchema = z.record(z.string(), z.string())

type Entry = z.infer<typeof entrySchema> & { readonly name: string }

const invalid = (what: string, subject?: string): CflowError =>
  new CflowError(
    'WEIGHTS',
    `not a valid safetensors file: ${what}`,
    subject === undefined ? {} : { subject },
  )

/**
 * Tensors of a safetensors file, in the order in which they lie in it, and its metadata. The file is untrusted; as the
 * format asks, the tensors must fill it without gaps or overlaps. bfloat16 becomes float32 and int16 int32, exactly.
 * @throws CflowError WEIGHTS when it is no such file or is damaged
 */
export function readSafetensors(bytes: Uint8Array): {
  readonly tensors: Weights
  readonly metadata: Record<string, string>
} {
  const { header, start } = parseHeader(bytes)
  const { __metadata__: rawMetadata = {}, ...rest } = header
  const metadata = metadataSchema.safeParse(rawMetadata)
  if (!metadata.success) throw invalid('its metadata are not text', '__metadata__')
  const entries = Object.entries(rest).map(([name, value]): Entry => {
    const entry = entrySchema.safeParse(value)
    if (!entry.success) throw invalid(`the description of ${name} is wrong`, name)
    return { name, ...entry.data }
  })
  entries.sort(
    (a, b) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  )
  const tensors = new Map<string, Tensor>()
  let position = 0
  for (const entry of entries) {
    if (entry.data_offsets[0] !== position)
      throw invalid(`${entry.name} overlaps or leaves a gap`, entry.name)
    position = entry.data_offsets[1]
    tensors.set(entry.name, tensorOf(entry, bytes, start))
  }
  if (start + position !== bytes.length) throw invalid('its length is not that of its tensors')
  return { tensors, metadata: metadata.data }
}

function parseHeader(bytes: Uint8Array): { header: Record<string, unknown>; start: number } {
  if (bytes.length < 8) throw invalid('it is too short')
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const length = Number(view.getBigUint64(0, true))
  if (length > maxHeader || length > bytes.length - 8) throw invalid('its header is too long')
  let header: unknown
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(8, 8 + length))
    header = JSON.parse(text)
  } catch {
    throw invalid('its header is not JSON')
  }
  if (typeof header !== 'object' || header === null || Array.isArray(header))
    throw invalid('its header is not an object')
  return { header: header as Record<string, unknown>, start: 8 + length }
}

function tensorOf(entry: Entry, bytes: Uint8Array, start: number): Tensor {
  const { name, dtype, shape } = entry
  const [begin, end] = entry.data_offsets
  const type = safetensorsType(dtype)
  if (!type) throw invalid(`${name} has elements of type ${dtype}, which is not supported`, name)
  if (end - begin !== sizeOf(shape) * type.bytes)
    throw invalid(
      `${name} takes ${end - begin} bytes, which is not its shape [${shape.join(', ')}]`,
      name,
    )
  if (start + end > bytes.length) throw invalid(`${name} lies beyond the end of the file`, name)
  return { dtype: type.dtype, shape, data: type.decode(bytes.subarray(start + begin, start + end)) }
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

import { CflowError, sizeOf } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import { z } from 'zod'
import type { Weights } from './weights.js'
import { safetensorsTypes } from './element-types.js'

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
  const type = safetensorsTypes.get(dtype)
  if (!type) throw invalid(`${name} has elements of type ${dtype}, which is not supported`, name)
  if (end - begin !== sizeOf(shape) * type.bytes)
    throw invalid(
      `${name} takes ${end - begin} bytes, which is not its shape [${shape.join(', ')}]`,
      name,
    )
  if (start + end > bytes.length) throw invalid(`${name} lies beyond the end of the file`, name)
  return { dtype: type.dtype, shape, data: type.decode(bytes.subarray(start + begin, start + end)) }
}

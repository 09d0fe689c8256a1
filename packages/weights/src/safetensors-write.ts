import { bytesPerElement } from '@cflow/base'
import type { Weights } from './weights.js'
import { bytesOf, safetensorsName } from './element-types.js'

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
      { dtype: safetensorsName[tensor.dtype], shape: tensor.shape, data_offsets: [size, end] },
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
    bytes.set(bytesOf(tensor), position)
    position += tensor.data.byteLength
  }
  return bytes
}

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** JSON of an object whose keys keep their order, whatever they are. */
const object = (entries: readonly (readonly [string, unknown])[]): string =>
  `{${entries.map(([k, v]) => `${JSON.stringify(k)}:${JSON.stringify(v)}`).join(',')}}`

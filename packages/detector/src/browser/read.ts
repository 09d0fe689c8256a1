import { asArray, isBytes } from '../bytes.js'
import type { Bytes } from '../bytes.js'
import { fetchBytes } from '../fetch.js'
import { maxModelBytes } from '../model.js'
import type { ModelFile } from '../model.js'
import { notASource } from '../options.js'

/** Where a detector file may be: a URL (relative to the page), its bytes, or a Blob or File. */
export type DetectorSource = string | URL | Bytes | Blob

/** A URL, made absolute by the page's or worker's address. */
export function absolute(url: string | URL): string {
  const base = (globalThis as { document?: Document; location?: Location }).document?.baseURI
  return new URL(url, base ?? globalThis.location?.href).href
}

/**
 * The bytes of a detector file.
 * @throws CflowError NOT_FOUND, MODEL (too large), NETWORK, or USAGE for another kind of value
 */
export async function readModel(source: DetectorSource): Promise<ModelFile> {
  if (isBytes(source)) return { bytes: asArray(source), subject: '(detector bytes)' }
  if (source instanceof Blob) {
    const subject = (source as Partial<File>).name ?? '(detector blob)'
    return { bytes: new Uint8Array(await source.arrayBuffer()), subject }
  }
  if (typeof source !== 'string' && !(source instanceof URL))
    throw notASource(source, 'a URL, a Uint8Array, an ArrayBuffer, or a Blob or File')
  const url = absolute(source)
  return { bytes: await fetchBytes(url, maxModelBytes, 'MODEL'), subject: url }
}

import { readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { CflowError, messageOf } from '@cflow/base'
import { fileError } from '@cflow/base/node'
import { asArray, isBytes } from '../bytes.js'
import type { Bytes } from '../bytes.js'
import { fetchBytes } from '../fetch.js'
import { maxModelBytes } from '../model.js'
import type { ModelFile } from '../model.js'
import { notASource } from '../options.js'

/** Where a detector file may be: a path, a `file:`, `http:` or `https:` URL, its bytes, or a Blob. */
export type DetectorSource = string | URL | Bytes | Blob

/** A string or URL as a path of this machine, or the http(s) URL that it is. */
export function locate(
  where: string | URL,
): { readonly path: string } | { readonly remote: string } {
  const text = String(where)
  if (/^https?:/i.test(text)) return { remote: text }
  if (where instanceof URL || /^file:/i.test(text)) {
    try {
      return { path: fileURLToPath(text) }
    } catch (cause) {
      throw new CflowError('USAGE', `${text} cannot be read: ${messageOf(cause)}`, {
        subject: text,
        hint: 'give a path, or a file:, http: or https: URL',
        cause,
      })
    }
  }
  return { path: text }
}

/**
 * The bytes of a detector file.
 * @throws CflowError NOT_FOUND, MODEL (a folder, too large), IO, NETWORK, or USAGE for another kind of value
 */
export async function readModel(source: DetectorSource): Promise<ModelFile> {
  if (isBytes(source)) return { bytes: asArray(source), subject: '(detector bytes)' }
  if (source instanceof Blob)
    return { bytes: new Uint8Array(await source.arrayBuffer()), subject: '(detector blob)' }
  if (typeof source !== 'string' && !(source instanceof URL))
    throw notASource(source, 'a path, a URL, a Uint8Array, an ArrayBuffer or a Blob')
  const place = locate(source)
  if ('remote' in place)
    return {
      bytes: await fetchBytes(place.remote, maxModelBytes, 'MODEL'),
      subject: place.remote,
    }
  return { bytes: await readFromDisk(place.path), subject: place.path }
}

async function readFromDisk(path: string): Promise<Uint8Array> {
  try {
    const { size } = await stat(path)
    if (size <= maxModelBytes) return await readFile(path)
  } catch (cause) {
    const hint = 'Give the model.onnx inside.'
    throw fileError(path, cause, { code: 'MODEL', what: 'a detector file', hint })
  }
  throw new CflowError('MODEL', `${path} is larger than 2 GiB`, { subject: path })
}

import { CflowError } from '@cflow/base'
import { createHash } from 'node:crypto'

/** What bytes must be. */
export interface Expected {
  readonly digest?: string | undefined
  readonly maximum?: number | undefined
}

/** Bytes as they pass, counted and digested; what is too much, or is not what was promised, ends them with an error. */
export function hashing(content: Uint8Array | AsyncIterable<Uint8Array>, expected: Expected) {
  const hash = createHash('sha256')
  const found = { digest: '', bytes: 0 }
  const { digest, maximum = Infinity } = expected
  async function* passing(): AsyncGenerator<Uint8Array> {
    for await (const chunk of content instanceof Uint8Array ? [content] : content) {
      found.bytes += chunk.length
      if (found.bytes > maximum)
        throw new CflowError('TOO_LARGE', `more than ${maximum} bytes are not taken`)
      hash.update(chunk)
      if (chunk.length > 0) yield chunk
    }
    found.digest = hash.digest('hex')
    if (digest !== undefined && digest.toLowerCase() !== found.digest)
      throw new CflowError('DIGEST', `the bytes have the SHA-256 ${found.digest}, not ${digest}`, {
        subject: 'digest',
        hint: 'Send them again; if it stays so, the file changed after its digest was taken.',
      })
  }
  return { passing, found: found as { readonly digest: string; readonly bytes: number } }
}

import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readingError } from './files.js'

/** SHA-256 of a file, in hexadecimal; read piece by piece. */
export async function sha256OfFile(path: string): Promise<string> {
  const hash = createHash('sha256')
  try {
    for await (const piece of createReadStream(path)) hash.update(piece as Uint8Array)
  } catch (error) {
    throw readingError(path, error)
  }
  return hash.digest('hex')
}

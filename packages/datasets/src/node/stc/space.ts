import { CflowError } from '@cflow/base'
import { mkdir, statfs } from 'node:fs/promises'
import { fileError } from '../files.js'

/** Bytes that stay free. */
const reserve = 256 * 2 ** 20

const gigabytes = (bytes: number): string => `${(bytes / 1e9).toFixed(bytes < 1e9 ? 2 : 1)} GB`

/**
 * Require that a folder, made as needed, has room for so many bytes and some more.
 * @throws CflowError IO that says how much is needed, where, and how much is free
 */
export async function requireSpace(folder: string, bytes: number): Promise<void> {
  let free: number
  try {
    await mkdir(folder, { recursive: true })
    const { bavail, bsize } = await statfs(folder)
    free = bavail * bsize
  } catch (cause) {
    throw fileError(folder, cause)
  }
  if (bytes + reserve > free)
    throw new CflowError(
      'IO',
      `the resized frames need ${gigabytes(bytes)} in ${folder}, and ${gigabytes(free)} are free`,
      {
        subject: folder,
        hint: 'Free some space, take fewer frames (--frame-step), or set CFLOW_HOME to a folder on another disk.',
      },
    )
}

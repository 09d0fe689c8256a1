import { open } from 'node:fs/promises'
import { fileError } from '../files.js'

/** What an AVI file's main header says of it. */
export interface AviHeader {
  readonly frames: number
  readonly width: number
  readonly height: number
}

/**
 * The main header of an AVI file (RIFF `AVI `, list `hdrl`, chunk `avih`). It is a promise only: the video stream may
 * hold something else.
 * @returns undefined for a file that does not begin like an AVI
 * @throws CflowError NOT_FOUND, IO
 */
export async function aviHeader(path: string): Promise<AviHeader | undefined> {
  const bytes = Buffer.alloc(88)
  try {
    const file = await open(path, 'r')
    await file.read(bytes, 0, bytes.length, 0).finally(() => file.close())
  } catch (cause) {
    throw fileError(path, cause)
  }
  const tag = (at: number): string => bytes.toString('latin1', at, at + 4)
  if (tag(0) !== 'RIFF' || tag(8) !== 'AVI ' || tag(20) !== 'hdrl' || tag(24) !== 'avih') return
  const main = bytes.subarray(32)
  const [frames, width, height] = [16, 32, 36].map((at) => main.readUInt32LE(at))
  if (!frames || !width || !height) return
  return { frames, width, height }
}

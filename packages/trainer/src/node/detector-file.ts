import { readFile } from 'node:fs/promises'
import { CflowError, messageOf } from '@cflow/base'
import { parseManifest } from '@cflow/core'
import type { Manifest } from '@cflow/core'
import { readMetadata } from '@cflow/graph'

/** A detector file in memory. */
export interface DetectorFile {
  readonly model: Uint8Array
  readonly manifest: Manifest
}

/**
 * Read a detector file and what it says of itself.
 * @throws CflowError NOT_FOUND, MODEL (a folder, or not a detector) or IO, each naming the path
 */
export async function readDetectorFile(path: string): Promise<DetectorFile> {
  const model = await readFile(path).catch((cause: unknown) => {
    throw readingError(path, cause)
  })
  try {
    return { model, manifest: parseManifest(readMetadata(model)) }
  } catch (cause) {
    const hint = cause instanceof CflowError ? cause.hint : undefined
    throw new CflowError('MODEL', `${path}: ${messageOf(cause)}`, {
      subject: path,
      hint: hint ?? 'detectors are the model.onnx files that `cflow train` writes',
      cause,
    })
  }
}

function readingError(path: string, cause: unknown): CflowError {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new CflowError('NOT_FOUND', `there is no ${path}`, {
      subject: path,
      hint: 'Check the path; relative paths start at the current folder.',
      cause,
    })
  if (code === 'EISDIR')
    return new CflowError('MODEL', `${path} is a folder, not a detector file`, {
      subject: path,
      hint: 'Give the model.onnx inside.',
      cause,
    })
  return new CflowError('IO', `cannot read ${path}: ${messageOf(cause)}`, { subject: path, cause })
}

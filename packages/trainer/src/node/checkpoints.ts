import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CflowError, messageOf } from '@cflow/base'
import { writeFileAtomic } from '@cflow/base/node'
import type { CheckpointStore } from '../checkpoint.js'

/** Name of the checkpoint in its folder. */
const checkpointName = 'checkpoint.safetensors'

/**
 * Checkpoints in a folder: one file, replaced in one step. Reading gives undefined where there is none.
 * @throws CflowError IO from both
 */
export function fileCheckpoints(folder: string): CheckpointStore {
  const path = join(folder, checkpointName)
  return {
    async read() {
      try {
        return await readFile(path)
      } catch (cause) {
        if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
        throw new CflowError('IO', `cannot read the checkpoint ${path}: ${messageOf(cause)}`, {
          subject: path,
          hint: 'Check its permissions, or begin again without --resume, with --overwrite.',
          cause,
        })
      }
    },
    write: (bytes) => writeFileAtomic(path, bytes),
  }
}

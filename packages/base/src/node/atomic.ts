import { randomUUID } from 'node:crypto'
import { lstat, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { CflowError, messageOf } from '../errors.js'

/**
 * Write a file in one step: under a temporary name in the same folder, flushed to the disk, then renamed. A reader sees
 * the old file or the new one, never half of it; after a failure the old one is still there. Folders are made as needed.
 * @throws CflowError IO that names the path
 */
export async function writeFileAtomic(path: string, content: Uint8Array | string): Promise<void> {
  const folder = dirname(path)
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}.tmp`)
  await makeFolder(folder)
  // a device or a pipe of that name would be replaced by the file
  const there = await lstat(path).catch(() => undefined)
  if (there && !there.isFile() && !there.isSymbolicLink())
    throw writingError(path, { code: there.isDirectory() ? 'EISDIR' : 'ENOTREG' })
  try {
    const file = await open(temporary, 'wx')
    try {
      await file.writeFile(content)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw writingError(path, error)
  }
}

/**
 * Make a folder, and those above it. One by one: where a file system says of a folder that cannot be that it is missing
 * (`/proc/x`), Node's own recursive `mkdir` tries for ever.
 * @returns absolute path of the topmost folder that was made, undefined when all were there
 * @throws CflowError IO that names the path
 */
export async function makeFolder(path: string): Promise<string | undefined> {
  const missing: string[] = []
  try {
    for (let at = resolve(path); !(await isThere(at)); at = dirname(at)) missing.unshift(at)
    for (const folder of missing)
      await mkdir(folder).catch(async (error: NodeJS.ErrnoException) => {
        // another process was quicker
        if (error.code !== 'EEXIST' || !(await isThere(folder))) throw error
      })
  } catch (error) {
    throw writingError(path, error)
  }
  return missing[0]
}

/** Whether a folder is there. @throws an error of the file system where something else is */
async function isThere(path: string): Promise<boolean> {
  const found = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' || path === dirname(path)) throw error
  })
  if (found && !found.isDirectory()) throw Object.assign(new Error(path), { code: 'EEXIST' })
  return found !== undefined
}

const hints: Readonly<Record<string, string>> = {
  ENOSPC: 'Free some space on that disk, or write to another one.',
  EDQUOT: 'The disk quota is used up: free some space, or write to another disk.',
  EFBIG: 'The file would be larger than this system allows: write to another disk.',
  EACCES: 'Check who may write there, or choose another folder.',
  EPERM: 'Check who may write there, or choose another folder.',
  EROFS: 'That disk can only be read: choose another folder.',
  ENOTDIR: 'A part of that path is a file, not a folder.',
  EEXIST: 'A file of that name is in the way: choose another folder.',
  EISDIR: 'A folder of that name is in the way.',
  ENOENT: 'No folder can be made there: choose another one.',
  ENOTREG: 'Choose the name of a file that is none yet, or of an ordinary one.',
}

const reasons: Readonly<Record<string, string>> = {
  ENOSPC: 'the disk is full',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'permission denied',
  EROFS: 'the disk is read-only',
  ENOTDIR: 'not a folder',
  EEXIST: 'it is a file, not a folder',
  EISDIR: 'it is a folder',
  ENOENT: 'no such folder can be made',
  ENOTREG: 'it is a device, a pipe or a socket, not a file',
}

/** A failed write as an error about the path. */
export function writingError(path: string, cause: unknown): CflowError {
  const code = (cause as NodeJS.ErrnoException | undefined)?.code ?? ''
  return new CflowError('IO', `cannot write ${path}: ${reasons[code] ?? messageOf(cause)}`, {
    subject: path,
    hint: hints[code] ?? 'Check permissions and free space.',
    cause,
  })
}

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/**
 * A new empty folder, removed with all that is in it when the tests of the file (or of the `describe`) are over. For tests
 * of this workspace.
 */
export async function temporaryFolder(name = 'test'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `cflow-${name}-`))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return folder
}

import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect } from 'vitest'

/**
 * A new empty folder, removed with all that is in it when the tests of the file (or of the `describe`) are over. For tests
 * of this workspace.
 */
export async function temporaryFolder(name = 'test'): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `cflow-${name}-`))
  afterAll(() => rm(folder, { recursive: true, force: true }))
  return folder
}

/** Check that a test runs the example of its package's README: the test's file holds it word for word. */
export function expectReadmeExample(testUrl: string): void {
  const text = (path: string) => readFileSync(new URL(path, testUrl), 'utf8')
  const [, example] = /```ts\n([^]*?)```/.exec(text('../README.md'))!
  expect(text(testUrl)).toContain(example)
}

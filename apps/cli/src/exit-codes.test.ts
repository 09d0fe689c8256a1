import { CflowError, isUserError, type ErrorCode } from '@cflow/base'
import { readFile } from 'node:fs/promises'
import { expect, it } from 'vitest'
import { exitCodes } from './exit-codes.js'

const text = (path: string) => readFile(new URL(path, import.meta.url), 'utf8')

it('the page of exit codes has every code of an error, with its exit code', async () => {
  const page = await text('../../../docs/exit-codes.md')
  const source = await text('../../../packages/base/src/errors.ts')
  const codes = [...source.matchAll(/^ {2}\| '([A-Z_]+)'/gm)].map(([, code]) => code as ErrorCode)
  expect(codes.length).toBeGreaterThan(15)
  for (const code of codes) {
    const exit = isUserError(new CflowError(code, '')) ? exitCodes.mistake : exitCodes.failure
    expect(page).toMatch(new RegExp(`^\\| \`${code}\` +\\| ${exit} +\\| \\w`, 'm'))
  }
  for (const exit of Object.values(exitCodes))
    expect(page).toMatch(new RegExp(`^\\| ${exit} +\\| [\\w\`]`, 'm'))
})

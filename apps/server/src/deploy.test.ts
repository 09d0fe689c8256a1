import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { serving } from '../test/serving.js'
import { configSchema, variableOf } from './config.js'
import { keepToken } from './http/auth.js'

const deploy = fileURLToPath(new URL('../../../deploy', import.meta.url))

it('files for deployment name variables that there are', async () => {
  const known = Object.keys(configSchema.shape).map(variableOf)
  const entries = await readdir(deploy, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  expect(files.length).toBeGreaterThan(4)
  for (const { parentPath, name } of files) {
    const text = await readFile(join(parentPath, name), 'utf8')
    for (const [variable] of text.matchAll(/CFLOW_[A-Z_]+/g)) expect(known).toContain(variable)
  }
})

it('a token of the configuration is taken, and once it is revoked it stays so', async () => {
  const adminToken = 'a-token-that-stands-in-a-secret-of-the-cluster'
  const { url, context } = await serving({ adminToken, requireToken: true })
  const ask = (token: string) =>
    fetch(`${url}/v1/tokens`, { headers: { authorization: `Bearer ${token}` } })
  expect((await ask(`${adminToken}x`)).status).toBe(401)
  expect((await ask(adminToken)).status).toBe(200)
  // as a second server, or this one when it starts again
  await keepToken(context.state, adminToken)
  const tokens = await context.state.tokens.list()
  expect(tokens.map((t) => t.scopes)).toEqual([['admin']])
  await context.state.tokens.revoke(tokens[0]!.id, 1)
  await keepToken(context.state, adminToken)
  expect((await context.state.tokens.list()).map((t) => t.revokedAt)).toEqual([1])
})

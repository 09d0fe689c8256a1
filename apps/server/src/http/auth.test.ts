import { noise } from '@cflow/core/testing'
import { expect, it } from 'vitest'
import { outcome, png, serving } from '../../test/serving.js'
import { readConfig, serve } from '../index.js'
import type { Scope } from '../state/state.js'
import { createToken } from './auth.js'

const { url, context } = await serving({ requireToken: true, rateLimit: 60 })
const image = await png(noise(1, 16, 16))
const tokenOf = async (scopes: readonly Scope[], expiresAt?: number) =>
  createToken(context.state, { name: scopes.join(), scopes, expiresAt })
const as = (token: string, path: string, init: RequestInit = {}) =>
  fetch(`${url}${path}`, {
    ...init,
    headers: { ...init.headers, authorization: `Bearer ${token}` },
  })

it('lets a token do what its scopes say, and nothing without one', async () => {
  const reader = await tokenOf(['read'])
  const line = await tokenOf(['predict'])
  const admin = await tokenOf(['admin'])
  const predict = { method: 'POST', body: image, headers: { 'content-type': 'image/png' } }
  const path = '/v1/detectors/none/predict'
  expect((await fetch(`${url}/v1/health`)).status).toBe(200)
  expect(await outcome(fetch(`${url}/v1/detectors`))).toEqual([401, 'UNAUTHENTICATED'])
  expect(await outcome(as('cflow_guess', '/v1/detectors'))).toEqual([401, 'UNAUTHENTICATED'])
  expect(await outcome(as('', '/v1/detectors'))).toEqual([401, 'UNAUTHENTICATED'])
  expect((await as(reader.token, '/v1/detectors')).status).toBe(200)
  expect(await outcome(as(reader.token, path, predict))).toEqual([403, 'FORBIDDEN'])
  expect(await outcome(as(line.token, path, predict))).toEqual([404, 'NOT_FOUND'])
  expect(await outcome(as(line.token, '/v1/tokens'))).toEqual([403, 'FORBIDDEN'])
  expect((await as(admin.token, '/v1/detectors')).status).toBe(200)
  const listed = await as(admin.token, '/v1/tokens')
  const text = await listed.text()
  expect(text).toContain(line.record.id)
  // neither tokens nor what they are known by
  for (const { token, record } of [reader, line, admin]) {
    expect(text).not.toContain(token)
    expect(text).not.toContain(record.hash)
  }
})

it('ends tokens that are revoked or expired', async () => {
  const admin = await tokenOf(['admin'])
  const made = await as(admin.token, '/v1/tokens', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ name: 'short', scopes: ['read'], expires_in_days: 1 }),
  })
  expect(made.status).toBe(201)
  const { token, id } = (await made.json()) as { readonly token: string; readonly id: string }
  expect((await as(token, '/v1/detectors')).status).toBe(200)
  expect((await as(admin.token, `/v1/tokens/${id}`, { method: 'DELETE' })).status).toBe(204)
  await new Promise((r) => setTimeout(r, 1100))
  expect(await outcome(as(token, '/v1/detectors'))).toEqual([401, 'UNAUTHENTICATED'])
  const old = await tokenOf(['read'], Date.now() - 1)
  expect(await outcome(as(old.token, '/v1/detectors'))).toEqual([401, 'UNAUTHENTICATED'])
  expect(await outcome(as(admin.token, '/v1/tokens/nobody', { method: 'DELETE' }))).toEqual([404, 'NOT_FOUND']) // prettier-ignore
})

it('counts the requests of each', async () => {
  const [one, two] = [await tokenOf(['read']), await tokenOf(['read'])]
  const statuses = await Promise.all(
    Array.from({ length: 70 }, () => as(one.token, '/v1/detectors')),
  )
  const refused = statuses.filter((r) => r.status === 429)
  expect(refused.length).toBeGreaterThanOrEqual(8)
  expect(refused[0]!.headers.get('retry-after')).toBe('1')
  expect((await as(two.token, '/v1/detectors')).status).toBe(200)
})

it('does not listen beyond this machine without a token', async () => {
  const { data } = context.config
  const config = (said: object) => readConfig({ data: `${data}/other`, port: 0, example: false, logLevel: 'silent', jobs: 0, host: '0.0.0.0', ...said }) // prettier-ignore
  await expect(serve(config({}))).rejects.toMatchObject({ code: 'FORBIDDEN', subject: 'host' })
  await expect(serve(config({ requireToken: false }))).rejects.toMatchObject({ code: 'FORBIDDEN' })
  await expect(serve(config({ host: '127.0.0.1', tlsCert: '/not/there', tlsKey: '/not/there' }))).rejects.toMatchObject({ code: 'NOT_FOUND', subject: 'tlsCert' }) // prettier-ignore
  const { state } = context
  await createToken(state, { name: 'any', scopes: ['read'] })
  const served = await serve({ ...config({}), data })
  const open = fetch(`http://127.0.0.1:${new URL(served.url).port}/v1/detectors`)
  expect(await outcome(open)).toEqual([401, 'UNAUTHENTICATED'])
  await served.close()
})

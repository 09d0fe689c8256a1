import { createClient, imageBody } from '@cflow/client'
import { noise, toyDetector } from '@cflow/core/testing'
import { loadDetector } from '@cflow/detector'
import openapiTS, { astToString } from 'openapi-typescript'
import { expect, it } from 'vitest'
import { png, serving, upload } from '../../test/serving.js'
import { createToken } from './auth.js'

const { url, context } = await serving()

it('is what the server describes', async () => {
  const api = await (await fetch(`${url}/openapi.json`)).text()
  const types = astToString(await openapiTS(api, { defaultNonNullable: false }))
  const text = `/** Written by the server's tests from its description: do not edit. */\n${types}`
  await expect(text).toMatchFileSnapshot('../../../../packages/client/src/api.ts')
})

it('judges, lists and tells errors, typed', async () => {
  await upload(url, 'toy')
  const { token } = await createToken(context.state, { name: 'all', scopes: ['admin'] })
  const client = createClient(`${url}/`, { token })
  const image = noise(1, 48, 48)
  const library = await loadDetector(toyDetector())
  const own = await library.detect(image)
  await library.release()
  const { data, error } = await client.POST('/v1/detectors/{id}/predict', {
    params: { path: { id: 'toy' } },
    ...imageBody(await png(image)),
  })
  expect(error).toBeUndefined()
  if (!data || !('is_anomalous' in data)) throw new Error('one image has one answer')
  expect(data.anomaly_score).toBeCloseTo(own.score, 4)
  expect(data.is_anomalous).toBe(own.anomalous)
  const listed = await client.GET('/v1/detectors')
  expect(listed.data?.detectors.map((d) => d.id)).toEqual(['toy'])
  const missing = await client.GET('/v1/detectors/{id}', { params: { path: { id: 'none' } } })
  expect(missing.error?.error.code).toBe('NOT_FOUND')
  const wrong = createClient(url, { token: 'cflow_wrong' })
  expect((await wrong.GET('/v1/tokens')).error?.error.code).toBe('UNAUTHENTICATED')
})

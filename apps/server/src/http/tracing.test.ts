import { noise } from '@cflow/core/testing'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it } from 'vitest'
import { png, serving, upload } from '../../test/serving.js'
import { startTracing } from './tracing.js'

interface Value {
  readonly stringValue?: string
  readonly intValue?: number
  readonly boolValue?: boolean
}
interface Sent {
  readonly name: string
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId?: string
  readonly kind: number
  readonly status: { readonly code?: number }
  readonly attributes: readonly { readonly key: string; readonly value: Value }[]
}
interface Body {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Sent['attributes'] }
    readonly scopeSpans: readonly { readonly spans: readonly Sent[] }[]
  }[]
}

it('spans of requests and of the images in them go where OTLP is taken', async () => {
  const got: Body[] = []
  const paths = new Set<string>()
  const collector = createServer((request, response) => {
    let text = ''
    paths.add(request.url!)
    request.on('data', (part) => (text += String(part)))
    request.on('end', () => {
      got.push(JSON.parse(text) as Body)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}')
    })
  })
  await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve))
  const { port } = collector.address() as AddressInfo
  const server = await serving({ otlpEndpoint: `http://127.0.0.1:${port}/` })
  await upload(server.url, 'toy')
  const [traceId, spanId] = ['4bf92f3577b34da6a3ce929d0e0e4736', '00f067aa0ba902b7']
  const headers = { 'content-type': 'image/png', traceparent: `00-${traceId}-${spanId}-01` }
  const predict = `${server.url}/v1/detectors/toy/predict`
  const answer = await fetch(predict, {
    method: 'POST',
    headers,
    body: await png(noise(1, 32, 32)),
  })
  expect(answer.status).toBe(200)
  const bad = await fetch(predict, { method: 'POST', headers: { ...headers, traceparent: 'x' }, body: 'no image' }) // prettier-ignore
  expect(bad.status).toBe(422)
  await server.close()
  await new Promise((resolve) => collector.close(resolve))

  expect([...paths]).toEqual(['/v1/traces'])
  const [{ resource }] = got[0]!.resourceSpans as [Body['resourceSpans'][0]]
  expect(resource.attributes).toContainEqual({ key: 'service.name', value: { stringValue: 'cflow' } }) // prettier-ignore
  const spans = got.flatMap((b) => b.resourceSpans.flatMap((r) => r.scopeSpans.flatMap((s) => s.spans))) // prettier-ignore
  const own = spans.filter((span) => span.traceId === traceId)
  const [request, image] = ['POST /v1/detectors/:id/predict', 'judge an image'].map((name) => own.find((s) => s.name === name)) // prettier-ignore
  expect(own.length).toBe(2)
  expect(request).toMatchObject({ parentSpanId: spanId, kind: 2 })
  expect(request!.attributes).toContainEqual({ key: 'http.response.status_code', value: { intValue: 200 } }) // prettier-ignore
  expect(request!.attributes).toContainEqual({ key: 'cflow.request_id', value: { stringValue: answer.headers.get('x-request-id') } }) // prettier-ignore
  expect(image).toMatchObject({ parentSpanId: request!.spanId })
  expect(image!.attributes).toContainEqual({ key: 'cflow.detector', value: { stringValue: 'toy' } })
  // what is no traceparent begins a trace of its own
  const failed = spans.filter((s) => s.traceId !== traceId && s.name === 'judge an image')
  expect(failed.map((s) => s.status.code)).toEqual([2])
  expect(spans.find((s) => s.spanId === failed[0]!.parentSpanId)!.parentSpanId).toBeUndefined()
})

it('nothing is loaded or sent where nothing is configured', async () => {
  expect(await startTracing({ otlpEndpoint: undefined }, {})).toBeUndefined()
  const off = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1', OTEL_SDK_DISABLED: 'true' }
  expect(await startTracing({ otlpEndpoint: undefined }, off)).toBeUndefined()
  const { OTEL_SDK_DISABLED: _, ...on } = off
  const tracing = await startTracing({ otlpEndpoint: undefined }, on)
  expect(tracing).toBeDefined()
  await tracing!.close()
})

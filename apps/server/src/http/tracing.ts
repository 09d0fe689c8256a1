import type { Context, Span } from '@opentelemetry/api'
import { CflowError, messageOf } from '@cflow/base'
import type { FastifyInstance } from 'fastify'
import type { Config } from '../config.js'

/** Traces, where they are configured. */
export interface Tracing {
  /** Makes a span of every request but sockets, which continue the trace of who asked (`traceparent`). */
  watch(app: FastifyInstance): void
  /** Begins a span of a part of a request. @returns what ends it */
  part(
    requestId: string,
    name: string,
    attributes: Readonly<Record<string, string | number>>,
  ): (end: { readonly error?: unknown; readonly attributes?: Readonly<Record<string, string | number | boolean>> }) => void // prettier-ignore
  /** Sends what has ended. */
  close(): Promise<void>
}

/** What OpenTelemetry's own variables say of it: address, headers, sampling and the service's name are read by its library. */
const isConfigured = (environment: NodeJS.ProcessEnv): boolean =>
  environment['OTEL_SDK_DISABLED'] !== 'true' &&
  [environment['OTEL_EXPORTER_OTLP_ENDPOINT'], environment['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']].some(Boolean) // prettier-ignore

/**
 * Starts to send traces by OTLP over HTTP, where an address is configured; its libraries are loaded only then.
 * @throws CflowError RUNTIME where they are not installed
 */
export async function startTracing(
  { otlpEndpoint }: Pick<Config, 'otlpEndpoint'>,
  environment = process.env,
): Promise<Tracing | undefined> {
  if (otlpEndpoint === undefined && !isConfigured(environment)) return undefined
  const { api, base, exporting, resources } = await libraries()
  const { trace, ROOT_CONTEXT, SpanKind, SpanStatusCode } = api
  const provider = new base.BasicTracerProvider({
    resource: resources.resourceFromAttributes({
      'service.name': environment['OTEL_SERVICE_NAME'] ?? 'cflow',
    }),
    spanProcessors: [
      new base.BatchSpanProcessor(
        new exporting.OTLPTraceExporter(
          otlpEndpoint === undefined ? {} : { url: `${otlpEndpoint.replace(/\/$/, '')}/v1/traces` },
        ),
      ),
    ],
  })
  const tracer = provider.getTracer('@cflow/server')
  const open = new Map<string, Span>()
  const contextOf = (traceparent: unknown): Context => {
    const [, traceId, spanId, flags] = /^[\da-f]{2}-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})/.exec(String(traceparent)) ?? [] // prettier-ignore
    if (traceId === undefined || spanId === undefined) return ROOT_CONTEXT
    const parent = { traceId, spanId, traceFlags: parseInt(flags!, 16) & 1, isRemote: true }
    return api.isSpanContextValid(parent) ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT // prettier-ignore
  }
  return {
    watch(app) {
      app.addHook('onRequest', async (request) => {
        if (request.headers.upgrade !== undefined) return
        const route = request.routeOptions.url ?? 'unknown'
        const attributes = { 'http.request.method': request.method, 'http.route': route, 'cflow.request_id': request.id } // prettier-ignore
        const options = { kind: SpanKind.SERVER, attributes }
        open.set(request.id, tracer.startSpan(`${request.method} ${route}`, options, contextOf(request.headers['traceparent']))) // prettier-ignore
      })
      const end = (id: string, status?: number): void => {
        const span = open.get(id)
        open.delete(id)
        if (status !== undefined) span?.setAttribute('http.response.status_code', status)
        if (status === undefined || status >= 500) span?.setStatus({ code: SpanStatusCode.ERROR })
        span?.end()
      }
      app.addHook('onResponse', async ({ id }, { statusCode }) => end(id, statusCode))
      app.addHook('onRequestAbort', async ({ id }) => end(id))
    },
    part(requestId, name, attributes) {
      const parent = open.get(requestId)
      const span = tracer.startSpan(name, { attributes }, parent ? trace.setSpan(ROOT_CONTEXT, parent) : ROOT_CONTEXT) // prettier-ignore
      return ({ error, attributes: more = {} }) => {
        span.setAttributes(more)
        if (error !== undefined) span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) }) // prettier-ignore
        span.end()
      }
    },
    close: () => provider.shutdown().catch(() => undefined),
  }
}

async function libraries() {
  try {
    const [api, base, exporting, resources] = await Promise.all([
      import('@opentelemetry/api'),
      import('@opentelemetry/sdk-trace-base'),
      import('@opentelemetry/exporter-trace-otlp-http'),
      import('@opentelemetry/resources'),
    ])
    return { api, base, exporting, resources }
  } catch (cause) {
    throw new CflowError('RUNTIME', 'traces are configured, and the libraries of OpenTelemetry are not installed', { subject: 'otlpEndpoint', hint: 'install the optional dependencies of @cflow/server, or unset OTEL_EXPORTER_OTLP_ENDPOINT', cause }) // prettier-ignore
  }
}

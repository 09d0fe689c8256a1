import websocket from '@fastify/websocket'
import Fastify, {
  LogController,
  type FastifyInstance,
  type FastifyReply,
  type FastifyRequest,
} from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { randomUUID } from 'node:crypto'
import { requireTokens } from './auth.js'
import type { ServerContext } from './context.js'
import { handleErrors, sendError } from './errors.js'
import { allowPages } from './cors.js'
import { limitRequests } from './limits.js'
import { lookout } from './protocols/lookout.js'
import { openInference } from './protocols/open-inference.js'
import { datasetRoutes } from './routes/datasets.js'
import { detectorRoutes } from './routes/detectors.js'
import { healthRoutes } from './routes/health.js'
import { jobRoutes } from './routes/jobs.js'
import { describeRoutes, openapiRoutes } from './routes/openapi.js'
import { predictRoutes } from './routes/predict.js'
import { sinkRoutes } from './routes/sinks.js'
import { tokenRoutes } from './routes/tokens.js'
import { webRoutes } from './routes/web.js'
import { socketRoutes } from './routes/ws.js'

/** Routes of one kind of thing. */
export type Routes = (app: FastifyInstance, context: ServerContext) => void | Promise<void>

/** What serves: to add routes, list their file here. */
const routes: readonly Routes[] = [
  healthRoutes,
  predictRoutes,
  detectorRoutes,
  datasetRoutes,
  jobRoutes,
  sinkRoutes,
  tokenRoutes,
  openInference,
  lookout,
  socketRoutes,
  openapiRoutes,
  webRoutes,
]

/** The HTTP application; it listens nowhere yet. */
export async function buildApp(
  context: ServerContext,
  more: { readonly https?: { readonly cert: Buffer; readonly key: Buffer } } = {},
): Promise<FastifyInstance> {
  const { config, log, metrics } = context
  // slow clients: how long headers may take, and how often that is looked at
  const timing = {
    headersTimeout: Math.min(15_000, 1000 * config.requestSeconds),
    connectionsCheckingInterval: 1000,
  }
  const app = Fastify({
    loggerInstance: log,
    ...(more.https ? { https: { ...more.https, ...timing } } : { http: timing }),
    genReqId: () => randomUUID(),
    bodyLimit: 2 ** 20,
    requestTimeout: 1000 * config.requestSeconds,
    // longer than the minute after which balancers drop theirs
    keepAliveTimeout: 75_000,
    forceCloseConnections: 'idle',
    logController: new LogController({ disableRequestLogging: true }),
    frameworkErrors: (error: unknown, request: FastifyRequest, reply: FastifyReply) =>
      void sendError(request, reply, error),
    routerOptions: { maxParamLength: 5000 },
  } as object) as unknown as FastifyInstance
  app.server.maxConnections = config.maxConnections
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  handleErrors(app)
  await describeRoutes(app)
  // before all that may refuse a request, so that it also ends the sockets of those
  await app.register(websocket, { options: { maxPayload: config.maxImageBytes } })
  context.tracing?.watch(app)
  allowPages(app, config.corsOrigins)
  requireTokens(app, context)
  limitRequests(app, config)
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-request-id', request.id)
    reply.header('x-content-type-options', 'nosniff')
  })
  app.addHook('onResponse', async (request, reply) => {
    const { method } = request
    const route = request.routeOptions.url ?? 'unknown'
    const { statusCode: status, elapsedTime: milliseconds } = reply
    metrics.requests.observe({ method, route, status: String(status) }, milliseconds / 1000)
    log.info({ requestId: request.id, method, route, status, ms: Math.round(milliseconds), token: request.token?.id }, 'request') // prettier-ignore
  })
  for (const add of routes) await app.register(async (scoped) => add(scoped, context))
  return app
}

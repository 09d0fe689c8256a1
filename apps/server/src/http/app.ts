import Fastify, { type FastifyBaseLogger, type FastifyInstance } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { randomUUID } from 'node:crypto'
import { requireTokens } from './auth.js'
import type { ServerContext } from './context.js'
import { handleErrors } from './errors.js'

/** Routes of one kind of thing. */
export type Routes = (app: FastifyInstance, context: ServerContext) => void | Promise<void>

/** What serves: to add routes, list their file here. */
const routes: readonly Routes[] = []

/** The HTTP application; it listens nowhere yet. */
export async function buildApp(
  context: ServerContext,
  more: { readonly https?: { readonly cert: Buffer; readonly key: Buffer } } = {},
): Promise<FastifyInstance> {
  const { config, log } = context
  const app = Fastify({
    loggerInstance: log,
    ...(more.https && { https: more.https }),
    genReqId: () => randomUUID(),
    bodyLimit: 2 ** 20,
    connectionTimeout: 1000 * (config.requestSeconds + 5),
    requestTimeout: 1000 * config.requestSeconds,
    keepAliveTimeout: 10_000,
    forceCloseConnections: 'idle',
    routerOptions: { maxParamLength: 200 },
  }) as unknown as FastifyInstance
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  handleErrors(app)
  requireTokens(app, context)
  app.addHook('onSend', async (request, reply) => {
    reply.header('x-request-id', request.id)
  })
  for (const add of routes) await app.register(async (scoped) => add(scoped, context))
  return app
}

export type { FastifyBaseLogger }

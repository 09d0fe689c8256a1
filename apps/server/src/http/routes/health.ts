import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { ServerContext } from '../context.js'
import { answers, binary, errorSchema } from '../schemas.js'

const health = z.object({ status: z.literal('ok') })
const readiness = z.object({
  status: z.enum(['ready', 'not ready']),
  workers: z.object({
    configured: z.int(),
    ready: z.int(),
    restarts: z.int().meta({ description: 'Workers replaced so far.' }),
  }),
  images: z.object({ waiting: z.int(), running: z.int() }),
  database: z.boolean(),
  storage: z.boolean(),
})

/** Whether the server lives, whether it can serve, and what it measures. */
export function healthRoutes(base: FastifyInstance, context: ServerContext): void {
  const { state, storage, engine, metrics } = context
  const app = base.withTypeProvider<ZodTypeProvider>()
  const ready = async () => {
    const [database, files] = await Promise.all(
      [state.ping(), storage.ping()].map((ping) =>
        ping.then(
          () => true,
          () => false,
        ),
      ),
    )
    const { workers: configured, ready: count, restarts, waiting, running } = engine.status()
    return {
      status: database && files && count > 0 ? ('ready' as const) : ('not ready' as const),
      workers: { configured, ready: count, restarts },
      images: { waiting, running },
      database: database!,
      storage: files!,
    }
  }
  app.get(
    '/v1/health',
    {
      config: { scope: 'public' },
      schema: {
        summary: 'Whether the server lives',
        tags: ['operations'],
        response: { 200: health, 429: errorSchema, 500: errorSchema },
      },
    },
    () => ({ status: 'ok' as const }),
  )
  app.get(
    '/v1/ready',
    {
      config: { scope: 'public' },
      schema: {
        summary: 'Whether the server can judge images now',
        tags: ['operations'],
        response: { 200: readiness, 503: readiness, 500: errorSchema },
      },
    },
    async (_request, reply) => {
      const found = await ready()
      return reply.code(found.status === 'ready' ? 200 : 503).send(found)
    },
  )
  app.get(
    '/metrics',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Prometheus metrics',
        tags: ['operations'],
        response: answers({ 200: binary('The text format of Prometheus.', 'text/plain') }),
      },
    },
    async (_request, reply) =>
      reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()),
  )
}

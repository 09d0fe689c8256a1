import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { randomUUID } from 'node:crypto'
import * as z from 'zod'
import { sinkInput } from '../../sinks/config.js'
import type { SinkRecord } from '../../state/state.js'
import type { ServerContext } from '../context.js'
import { answers, found } from '../schemas.js'

const sinkBody = z
  .object({
    id: z.string(),
    kind: z.enum(['webhook', 'mqtt']),
    created_at: z.iso.datetime(),
    config: z.record(z.string(), z.unknown()).meta({ description: 'Without its secrets.' }),
  })
  .meta({ id: 'Sink' })
const deliveryBody = z
  .object({
    id: z.string(),
    created_at: z.iso.datetime(),
    attempts: z.int(),
    error: z.string().optional(),
    payload: z.record(z.string(), z.unknown()),
  })
  .meta({ id: 'Delivery', description: 'Something that could not be told.' })
const byId = z.object({ id: z.uuid() })
const none = z.null().meta({ description: 'It is done.' })
const tags = ['sinks']

/** Where verdicts, drift and the ends of jobs are told. */
export async function sinkRoutes(base: FastifyInstance, context: ServerContext): Promise<void> {
  const { state, sinks } = context
  const app = base.withTypeProvider<ZodTypeProvider>()
  const sinkOf = async (id: string) => found(await state.sinks.get(id), 'sink', id)

  app.get(
    '/v1/sinks',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'List sinks',
        tags,
        response: answers({ 200: z.object({ sinks: z.array(sinkBody) }) }),
      },
    },
    async () => ({ sinks: (await state.sinks.list()).map(describe) }),
  )
  app.post(
    '/v1/sinks',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Add a sink: a signed webhook or an MQTT broker',
        tags,
        body: sinkInput,
        response: answers({ 201: sinkBody }),
      },
    },
    async ({ body }, reply) => {
      const { kind, ...config } = body
      const record: SinkRecord = { id: randomUUID(), kind, createdAt: Date.now(), config }
      await state.sinks.add(record)
      await sinks.changed()
      return reply.code(201).send(describe(record))
    },
  )
  app.delete(
    '/v1/sinks/:id',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Remove a sink, and what waits for it',
        tags,
        params: byId,
        response: answers({ 204: none }, 404),
      },
    },
    async ({ params: { id } }, reply) => {
      found((await state.sinks.remove(id)) || undefined, 'sink', id)
      await sinks.changed()
      return reply.code(204).send(null)
    },
  )
  app.post(
    '/v1/sinks/:id/test',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Tell a sink an event of the type "test"',
        tags,
        params: byId,
        response: answers({ 202: none }, 404),
      },
    },
    async ({ params: { id } }, reply) => {
      await sinkOf(id)
      await sinks.test(id)
      return reply.code(202).send(null)
    },
  )
  app.get(
    '/v1/sinks/:id/dead',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'What could not be told after all attempts',
        tags,
        params: byId,
        response: answers({ 200: z.object({ deliveries: z.array(deliveryBody) }) }, 404),
      },
    },
    async ({ params: { id } }) => {
      await sinkOf(id)
      const dead = await state.sinks.dead(id)
      return {
        deliveries: dead.map(({ id, createdAt, attempts, lastError, payload }) => ({
          ...{ id, created_at: new Date(createdAt).toISOString(), attempts },
          ...(lastError !== undefined && { error: lastError }),
          payload: { ...payload },
        })),
      }
    },
  )
  app.post(
    '/v1/sinks/:id/revive',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Try what was given up again',
        tags,
        params: byId,
        response: answers({ 200: z.object({ revived: z.int() }) }, 404),
      },
    },
    async ({ params: { id } }) => {
      await sinkOf(id)
      const revived = await state.sinks.revive(id, Date.now())
      await sinks.changed()
      return { revived }
    },
  )
}

function describe({ id, kind, createdAt, config }: SinkRecord): z.input<typeof sinkBody> {
  const secrets = ['secret', 'password']
  const shown = Object.entries(config).filter(([key]) => !secrets.includes(key))
  return { id, kind, created_at: new Date(createdAt).toISOString(), config: Object.fromEntries(shown) } // prettier-ignore
}

import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import { createToken } from '../auth.js'
import type { ServerContext } from '../context.js'
import { answers, found } from '../schemas.js'

const scopes = z.array(z.enum(['read', 'predict', 'train', 'admin'])).min(1)
const tokenSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    scopes,
    created_at: z.iso.datetime(),
    expires_at: z.iso.datetime().optional(),
    revoked_at: z.iso.datetime().optional(),
  })
  .meta({ id: 'Token' })

/** Tokens: made, listed, revoked. */
export function tokenRoutes(base: FastifyInstance, { state }: ServerContext): void {
  const app = base.withTypeProvider<ZodTypeProvider>()
  const config = { scope: 'admin' } as const
  app.get(
    '/v1/tokens',
    { config, schema: { summary: 'List tokens', tags: ['tokens'], response: answers({ 200: z.object({ tokens: z.array(tokenSchema) }) }) } }, // prettier-ignore
    async () => ({ tokens: (await state.tokens.list()).map(plainToken) }),
  )
  app.post(
    '/v1/tokens',
    {
      config,
      schema: {
        summary: 'Make a token; it is shown only now',
        tags: ['tokens'],
        body: z.strictObject({
          name: z.string().min(1).max(100),
          scopes,
          expires_in_days: z.number().positive().max(36_500).optional(),
        }),
        response: answers({ 201: tokenSchema.extend({ token: z.string() }).meta({ id: 'NewToken' }) }), // prettier-ignore
      },
    },
    async (request, reply) => {
      const { name, scopes, expires_in_days: days } = request.body
      const expiresAt = days === undefined ? undefined : Date.now() + Math.round(days * 86_400_000)
      const { token, record } = await createToken(state, { name, scopes, expiresAt })
      return reply.code(201).send({ ...plainToken(record), token })
    },
  )
  app.delete(
    '/v1/tokens/:id',
    {
      config,
      schema: {
        summary: 'Revoke a token; it ends within a second',
        tags: ['tokens'],
        params: z.object({ id: z.string().min(1).max(100) }),
        response: answers({ 204: z.null().meta({ description: 'It is revoked.' }) }, 404),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      found((await state.tokens.revoke(id, Date.now())) || undefined, 'token', id)
      return reply.code(204).send(null)
    },
  )
}

function plainToken(record: {
  readonly id: string
  readonly name: string
  readonly scopes: readonly ('read' | 'predict' | 'train' | 'admin')[]
  readonly createdAt: number
  readonly expiresAt?: number
  readonly revokedAt?: number
}) {
  const { id, name, scopes, createdAt, expiresAt, revokedAt } = record
  const iso = (at: number) => new Date(at).toISOString()
  return {
    ...{ id, name, scopes: [...scopes] },
    created_at: iso(createdAt),
    ...(expiresAt !== undefined && { expires_at: iso(expiresAt) }),
    ...(revokedAt !== undefined && { revoked_at: iso(revokedAt) }),
  }
}

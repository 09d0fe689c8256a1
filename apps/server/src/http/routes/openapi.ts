import swagger from '@fastify/swagger'
import type { FastifyInstance } from 'fastify'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import * as z from 'zod'
import { referencePage } from '../reference-page.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Kinds of bodies of a route that reads them itself, and what they are. */
    bodies?: Readonly<Record<string, object>>
  }
}

const json = (schema: object): object =>
  schema instanceof z.ZodType
    ? z.toJSONSchema(schema, { io: 'input', target: 'draft-2020-12', unrepresentable: 'any' })
    : schema

/** Collects the routes that are added after it. */
export async function describeRoutes(app: FastifyInstance): Promise<void> {
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'CFLOW-AD server',
        version: '0.1.0',
        description: 'Visual anomaly detection that learns from good images only.',
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      components: { securitySchemes: { bearer: { type: 'http', scheme: 'bearer' } } },
    },
    transform: (document) => {
      const { schema, url } = jsonSchemaTransform(document)
      const { scope, bodies } = document.route.config ?? {}
      const security = scope === 'public' ? [] : [{ bearer: [] }, {}]
      const described = { ...schema, security, ...(scope !== 'public' && { 'x-scope': scope }) }
      if (bodies)
        Object.assign(described, {
          body: {
            content: Object.fromEntries(
              Object.entries(bodies).map(([type, schema]) => [type, { schema: json(schema) }]),
            ),
          },
        })
      return { schema: described, url }
    },
    transformObject: jsonSchemaTransformObject,
  })
}

/** The description of the whole, and a page that shows it. */
export function openapiRoutes(app: FastifyInstance): void {
  const config = { scope: 'public' } as const
  const schema = { hide: true }
  let text: string | undefined
  app.get('/openapi.json', { config, schema }, async (_request, reply) =>
    reply.type('application/json; charset=utf-8').send((text ??= JSON.stringify(app.swagger()))),
  )
  app.get('/docs', { config, schema }, async (_request, reply) =>
    reply
      .type('text/html; charset=utf-8')
      .header('content-security-policy', "default-src 'self' 'unsafe-inline'")
      .send(referencePage),
  )
}

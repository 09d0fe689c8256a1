import type { FastifyInstance } from 'fastify'

/** What scripts of allowed pages may read besides the body. */
const exposed = 'x-request-id, x-anomaly-score, x-anomaly-threshold, x-is-anomalous, x-p-value, x-map-width, x-map-height, retry-after, inference-header-content-length' // prettier-ignore

/** Lets pages of these origins call the server from browsers. */
export function allowPages(app: FastifyInstance, origins: readonly string[]): void {
  if (origins.length === 0) return
  app.addHook('onRequest', async (request, reply) => {
    const { origin } = request.headers
    void reply.header('vary', 'origin')
    if (origin === undefined || !origins.includes(origin)) return
    void reply
      .header('access-control-allow-origin', origin)
      .header('access-control-expose-headers', exposed)
  })
  app.options(
    '*',
    { config: { scope: 'public' }, schema: { hide: true } },
    async (request, reply) => {
      const { origin = '', ...headers } = request.headers
      if (origins.includes(origin))
        void reply
          .header('access-control-allow-methods', 'GET, POST, PUT, DELETE')
          .header('access-control-allow-headers', headers['access-control-request-headers'] ?? '*')
          .header('access-control-max-age', '600')
      return reply.code(204).send()
    },
  )
}

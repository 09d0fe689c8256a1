import { CflowError } from '@cflow/base'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { Config } from '../config.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** The body is not held in memory. */
    streams?: boolean
  }
}

/** Clients whose requests are counted at a time. */
const maxClients = 10_000

/** Refuses requests beyond a client's rate, and bodies beyond what memory is meant for. */
export function limitRequests(app: FastifyInstance, config: Config): void {
  const maximum = 2 * config.maxQueueBytes
  const held = new WeakMap<FastifyRequest, number>()
  let bytes = 0
  const release = (request: FastifyRequest): void => {
    bytes -= held.get(request) ?? 0
    held.delete(request)
  }
  app.addHook('onRequest', async (request, reply) => {
    if (config.rateLimit > 0 && request.routeOptions.config.scope !== 'public') count(request)
    if (request.routeOptions.config.streams || request.method === 'GET') return
    const { 'content-length': length, 'transfer-encoding': chunked } = request.headers
    const expected = chunked === undefined ? Number(length ?? 0) : config.maxImageBytes
    if (expected === 0) return
    if (bytes > 0 && bytes + expected > maximum)
      throw new CflowError('OVERLOADED', 'too many bytes of requests are being read', {
        hint: 'try again after Retry-After',
      })
    bytes += expected
    held.set(request, expected)
    // also where the client goes away before there is an answer
    reply.raw.once('close', () => release(request))
  })

  /** Requests left of each client; they come back evenly. */
  const buckets = new Map<string, { left: number; at: number }>()
  const count = (request: FastifyRequest): void => {
    const key = request.token?.id ?? request.ip
    const now = Date.now()
    const bucket = buckets.get(key) ?? { left: config.rateLimit, at: now }
    const rate = config.rateLimit / 60_000
    bucket.left = Math.min(config.rateLimit, bucket.left + (now - bucket.at) * rate)
    bucket.at = now
    buckets.delete(key)
    buckets.set(key, bucket)
    if (buckets.size > maxClients) buckets.delete(buckets.keys().next().value!)
    if (bucket.left < 1)
      throw new CflowError('RATE_LIMITED', `more than ${config.rateLimit} requests a minute`, {
        hint: 'try again after Retry-After',
      })
    bucket.left--
  }
}

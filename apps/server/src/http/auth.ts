import { CflowError } from '@cflow/base'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import type { Scope, State, TokenRecord } from '../state/state.js'
import type { ServerContext } from './context.js'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What a token must allow; `public` needs none. Every route says one. */
    scope?: Scope | 'public'
  }
  interface FastifyRequest {
    /** The token that the request came with. */
    token?: TokenRecord | undefined
  }
}

const prefix = 'cflow_'

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')

/** Makes a token. @returns the token itself, which is kept nowhere, and its record */
export async function createToken(
  state: State,
  options: {
    readonly name: string
    readonly scopes: readonly Scope[]
    readonly expiresAt?: number | undefined
  },
): Promise<{ readonly token: string; readonly record: TokenRecord }> {
  const token = prefix + randomBytes(32).toString('base64url')
  const record: TokenRecord = {
    id: randomUUID(),
    name: options.name,
    hash: hashOf(token),
    scopes: [...new Set(options.scopes)],
    createdAt: Date.now(),
    ...(options.expiresAt !== undefined && { expiresAt: options.expiresAt }),
  }
  await state.tokens.add(record)
  return { token, record }
}

/**
 * Keeps the token that the configuration gives, unless it is there: once revoked, it stays revoked. A server whose
 * configuration was changed keeps those it had.
 */
export async function keepToken(state: State, token: string): Promise<void> {
  const hash = hashOf(token)
  const record = { id: randomUUID(), name: 'of the configuration', hash, createdAt: Date.now() }
  if (await state.tokens.byHash(hash)) return
  await state.tokens.add({ ...record, scopes: ['admin'] }).catch(async (error: unknown) => {
    // another server that starts now was quicker
    if (!(await state.tokens.byHash(hash))) throw error
  })
}

export const isLive = ({ revokedAt, expiresAt }: TokenRecord, now = Date.now()): boolean =>
  revokedAt === undefined && (expiresAt === undefined || expiresAt > now)

const allows = ({ scopes }: TokenRecord, scope: Scope): boolean =>
  scopes.includes(scope) || scopes.includes('admin')

/** The bearer token of a request; pages that open a WebSocket can set no header and give it as `access_token`. */
function bearerOf(request: FastifyRequest): string | undefined {
  const { authorization } = request.headers
  if (authorization !== undefined) {
    const [, token] = /^Bearer +(\S+)$/i.exec(authorization) ?? []
    if (token !== undefined) return token
    // clients of AWS sign their requests; the token is their access key's id
    const [, key] = /^AWS4-HMAC-SHA256 +Credential=([^/,\s]+)\//.exec(authorization) ?? []
    return key ?? ''
  }
  const isSocket = request.headers.upgrade?.toLowerCase() === 'websocket'
  const { access_token: given } = request.query as { access_token?: unknown }
  return isSocket && typeof given === 'string' ? given : undefined
}

/**
 * Requires of every request what its route says. Tokens that were found are remembered for a second, so that a revoked one
 * ends within that.
 */
export function requireTokens(
  app: FastifyInstance,
  { config, state }: Pick<ServerContext, 'config' | 'state'>,
): void {
  const known = new Map<string, { readonly until: number; readonly record: TokenRecord }>()
  const find = async (token: string): Promise<TokenRecord | undefined> => {
    const hash = hashOf(token)
    const now = Date.now()
    const hit = known.get(hash)
    if (hit && hit.until > now) return hit.record
    known.delete(hash)
    const record = await state.tokens.byHash(hash)
    if (record) {
      if (known.size >= 1000) known.clear()
      known.set(hash, { until: now + 1000, record })
    }
    return record
  }
  let closedUntil = 0
  /** Whether requests without a token are served: on loopback as long as no token exists. */
  const isOpen = async (): Promise<boolean> => {
    if (config.requireToken !== undefined) return !config.requireToken
    if (!isLoopback(config.host)) return false
    const now = Date.now()
    if (closedUntil > now) return false
    // asked anew each time: the first token ends it at once
    const open = !(await state.tokens.list()).some((t) => isLive(t))
    if (!open) closedUntil = now + 1000
    return open
  }
  app.addHook('onRoute', (route) => {
    if (route.config?.scope === undefined)
      throw new Error(`${route.url} does not say which scope it needs (config.scope)`)
  })
  app.addHook('onRequest', async (request) => {
    const { scope } = request.routeOptions.config
    if (scope === undefined || scope === 'public') return
    const token = bearerOf(request)
    if (token === undefined) {
      if (await isOpen()) return checkPage(request, config.corsOrigins)
      throw new CflowError('UNAUTHENTICATED', 'this needs a token', {
        hint: 'send Authorization: Bearer TOKEN; `cflow token create NAME` makes one',
      })
    }
    const record = await find(token)
    if (!record || !isLive(record)) {
      // a client that always signs, such as the AWS SDK, is served where no token is needed at all
      const signs = !/^Bearer /i.test(request.headers.authorization ?? 'Bearer ')
      if (!record && signs && (await isOpen())) return checkPage(request, config.corsOrigins)
      throw new CflowError('UNAUTHENTICATED', 'the token is wrong, expired or revoked', {
        hint: 'make one (`cflow token create NAME`), or send none where the server asks for none',
      })
    }
    request.token = record
    if (!allows(record, scope))
      throw new CflowError('FORBIDDEN', `the token lacks the scope ${scope}`, { subject: scope })
  })
}

/** Whether only programs of this machine reach an address. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '::1' || /^127(\.\d{1,3}){3}$/.test(host)

/**
 * Where no token is needed, pages of other sites in a browser of this machine must not get at the server: neither by a
 * request that browsers send unasked, nor under a name of theirs that means this machine.
 */
function checkPage({ headers, method }: FastifyRequest, origins: readonly string[]): void {
  const { host = '', origin } = headers
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '')
  if (!isLoopback(name.toLowerCase()))
    throw new CflowError('FORBIDDEN', `this server is not known as ${name}`, {
      subject: 'host',
      hint: 'without tokens it answers as localhost only',
    })
  // browsers ask before they send, and let nothing be read, but for sockets
  const reads = (method === 'GET' || method === 'HEAD') && headers.upgrade === undefined
  if (origin === undefined || reads) return
  const own = URL.canParse(origin) && new URL(origin).host === host
  if (!own && !origins.includes(origin))
    throw new CflowError('FORBIDDEN', `pages of ${origin} may not call this server`, {
      subject: 'origin',
      hint: 'start it with --cors-origins, or send a token',
    })
}

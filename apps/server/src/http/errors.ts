import { CflowError, messageOf, type ErrorCode } from '@cflow/base'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import {
  hasZodFastifySchemaValidationErrors,
  isResponseSerializationError,
} from 'fastify-type-provider-zod'

/** The status that answers each code; those that are missing are 400. */
const statuses: Partial<Record<ErrorCode, number>> = {
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  NOT_FOUND: 404,
  METHOD: 405,
  NOT_ACCEPTABLE: 406,
  TIMEOUT: 408,
  EXISTS: 409,
  CONFLICT: 409,
  BUSY: 409,
  TOO_LARGE: 413,
  MEDIA_TYPE: 415,
  IMAGE: 422,
  MASK: 422,
  MODEL: 422,
  DIGEST: 422,
  EMPTY: 422,
  TOO_FEW_IMAGES: 422,
  CHECKPOINT: 422,
  WEIGHTS: 422,
  RATE_LIMITED: 429,
  OVERLOADED: 429,
  NETWORK: 502,
  UNAVAILABLE: 503,
  RUNTIME: 500,
  ACCURACY: 500,
  IO: 500,
  SHAPE: 500,
  INTERNAL: 500,
}

export const statusOf = (code: ErrorCode): number => statuses[code] ?? 400

/** Whether a failure inside the server may be told to clients: paths of the server's disk may not. */
const telling = (status: number, code: ErrorCode): boolean => status < 500 || code !== 'IO'

export interface ErrorBody {
  readonly error: {
    readonly code: ErrorCode
    readonly message: string
    readonly hint?: string
    readonly subject?: string
    readonly requestId: string
  }
}

/** Anything thrown, as a `CflowError`. */
export function asCflowError(error: unknown): CflowError {
  if (error instanceof CflowError) return error
  if (hasZodFastifySchemaValidationErrors(error)) {
    const [issue] = error.validation
    const at = `${error.validationContext}${issue!.instancePath.replaceAll('/', '.')}`
    return new CflowError('USAGE', `${at}: ${issue!.message ?? 'does not fit'}`, { subject: at })
  }
  if (isResponseSerializationError(error))
    return new CflowError('INTERNAL', 'the answer does not fit its description', { cause: error })
  const { code, statusCode = 500 } = error as Partial<FastifyError>
  if (statusCode < 500) {
    const known: Partial<Record<number, ErrorCode>> = { 404: 'NOT_FOUND', 408: 'TIMEOUT', 413: 'TOO_LARGE', 415: 'MEDIA_TYPE', 431: 'TOO_LARGE' } // prettier-ignore
    return new CflowError(known[statusCode] ?? 'USAGE', messageOf(error), { cause: error })
  }
  if (code === 'FST_ERR_CTP_INVALID_JSON_BODY')
    return new CflowError('USAGE', 'the body is not JSON', { cause: error })
  return new CflowError('INTERNAL', 'the server failed at this request', { cause: error })
}

function errorBody(error: CflowError, requestId: string): ErrorBody {
  const { code, message, hint, subject } = error
  const told = telling(statusOf(code), code)
  return {
    error: {
      code,
      message: told ? message : 'the server failed at reading or writing',
      ...(told && hint !== undefined && { hint }),
      ...(told && subject !== undefined && { subject }),
      requestId,
    },
  }
}

/** Answers an error. */
export function sendError(request: FastifyRequest, reply: FastifyReply, error: unknown) {
  const known = asCflowError(error)
  const status = statusOf(known.code)
  if (status >= 500 && !reply.raw.destroyed) request.log.error({ err: error }, 'request failed')
  if (status === 401) reply.header('www-authenticate', 'Bearer')
  if (status === 429 || status === 503) reply.header('retry-after', '1')
  return reply
    .code(status)
    .type('application/json; charset=utf-8')
    .serializer((body: unknown) => JSON.stringify(body))
    .send(errorBody(known, request.id))
}

export function handleErrors(app: FastifyInstance): void {
  const routes: { readonly pattern: RegExp; readonly methods: readonly string[] }[] = []
  app.addHook('onRoute', ({ url, method }) => {
    const parts = url
      .split('/')
      .map((part) =>
        part === '*' ? '.*' : part.startsWith(':') ? '[^/]+' : part.replace(/[.\\]/g, '\\$&'),
      )
    if (url !== '*' && url !== '/*')
      routes.push({ pattern: new RegExp(`^${parts.join('/')}$`), methods: [method].flat() })
  })
  app.setErrorHandler((error, request, reply) =>
    // where there is nothing, what else is wrong with the request does not matter
    request.is404 && (error as Partial<FastifyError>).statusCode === 400
      ? missing(request, reply)
      : sendError(request, reply, error),
  )
  const missing = (request: FastifyRequest, reply: FastifyReply) => {
    const [path = ''] = request.url.split('?')
    const methods = routes.flatMap((r) => (r.pattern.test(path) ? r.methods : []))
    if (methods.length === 0)
      return sendError(
        request,
        reply,
        new CflowError('NOT_FOUND', `there is no ${request.method} ${path}`, {
          hint: '/openapi.json lists what there is',
        }),
      )
    void reply.header('allow', [...new Set(methods)].join(', '))
    const error = new CflowError('METHOD', `${path} takes no ${request.method}`, {
      hint: `It takes ${[...new Set(methods)].join(', ')}.`,
    })
    return sendError(request, reply, error)
  }
  app.setNotFoundHandler(missing)
}

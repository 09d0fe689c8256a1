import { CflowError } from '@cflow/base'
import * as z from 'zod'

/** Names that become ids: letters, digits, `.`, `_` and `-`, beginning with a letter or digit; never a path. */
export const nameSchema = z
  .string()
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/,
    'is a name of letters, digits, ".", "_" and "-", 100 at most',
  )
  .refine((name) => !name.includes('..'), 'holds ".."')

export const versionSchema = z.coerce.number().int().min(1).max(2_147_483_647)

/** What every error answers. */
export const errorSchema = z
  .object({
    error: z.object({
      code: z.string().meta({ description: 'Stable; never changes its meaning.' }),
      message: z.string(),
      hint: z.string().optional().meta({ description: 'What can be done about it.' }),
      subject: z.string().optional().meta({ description: 'The thing at fault.' }),
      requestId: z.string(),
    }),
  })
  .meta({ id: 'Error', description: 'What went wrong.' })

const words: Readonly<Record<number, string>> = {
  400: 'The request does not fit.',
  401: 'No token, or one that is wrong, expired or revoked.',
  403: 'The token may not do this.',
  404: 'There is no such thing.',
  405: 'There is no such method here.',
  406: 'No kind of answer that was asked for can be given.',
  408: 'The request took too long to arrive.',
  409: 'The thing is in a state in which this cannot be done.',
  413: 'More bytes or parts than are taken.',
  415: 'A body of a kind that is not read here.',
  422: 'The image, model or content cannot be used.',
  429: 'Too many requests; Retry-After says when to try again.',
  500: 'The server failed.',
  502: 'An address that was to be fetched could not be.',
  503: 'Not available now; Retry-After says when to try again.',
}

/**
 * Answers of a route: its own, and the errors that it can give; 400, 401, 403, 429, 500 and 503 always.
 */
export function answers<T extends Readonly<Record<number, z.ZodType>>>(
  own: T,
  ...errors: readonly number[]
): T & Readonly<Record<number, z.ZodType>> {
  const all = [400, 401, 403, 408, 413, 415, 429, 500, 503, ...errors]
  const described = all.map((status) => [
    status,
    errorSchema.meta({ description: words[status] ?? 'An error.' }),
  ])
  return { ...(Object.fromEntries(described) as Record<number, z.ZodType>), ...own }
}

/** The thing, or that there is none. @throws CflowError NOT_FOUND */
export function found<T>(thing: T | undefined, what: string, name: string | number): T {
  if (thing !== undefined) return thing
  throw new CflowError('NOT_FOUND', `there is no ${what} ${name}`, { subject: String(name) })
}

/** An answer that is not JSON. */
export const binary = (description: string, ...types: readonly string[]): z.ZodType =>
  ({
    description,
    content: Object.fromEntries(
      types.map((type) => [
        type,
        { schema: type.startsWith('text/') ? z.string() : z.any().meta({ type: 'string', format: 'binary' }) }, // prettier-ignore
      ]),
    ),
  }) as unknown as z.ZodType

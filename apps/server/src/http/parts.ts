import { CflowError, messageOf } from '@cflow/base'
import type { FastifyError } from 'fastify'

/**
 * Reads parts of multipart/form-data.
 * @throws CflowError USAGE where the body is damaged, besides what `read` throws
 */
export async function readingParts<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof CflowError || (error as Partial<FastifyError>).statusCode !== undefined)
      throw error
    throw new CflowError('USAGE', `the parts of the body cannot be read: ${messageOf(error)}`, {
      subject: 'body',
      cause: error,
    })
  }
}

import { CflowError, messageOf, type ErrorCode } from '@cflow/base'

/**
 * The bytes behind a URL.
 * @param limit bytes; more are refused while they arrive
 * @param tooLarge code of the error for them
 * @throws CflowError NOT_FOUND for 404 and 410, NETWORK for other failures, `tooLarge`
 */
export async function fetchBytes(
  url: string,
  limit: number,
  tooLarge: ErrorCode,
): Promise<Uint8Array> {
  const response = await attempt(url, () => fetch(url))
  if (response.status === 404 || response.status === 410)
    throw new CflowError('NOT_FOUND', `there is no ${url}`, {
      subject: url,
      hint: 'Check the address.',
    })
  if (!response.ok || !response.body)
    throw new CflowError('NETWORK', `${url} answered ${response.status} ${response.statusText}`, {
      subject: url,
    })
  const reader = response.body.getReader()
  const parts: Uint8Array<ArrayBuffer>[] = []
  let size = 0
  for (;;) {
    const { done, value } = await attempt(url, () => reader.read())
    if (done) return new Uint8Array(await new Blob(parts).arrayBuffer())
    size += value.length
    if (size > limit) {
      await reader.cancel().catch(() => undefined)
      throw new CflowError(tooLarge, `${url} is larger than ${Math.floor(limit / 2 ** 20)} MiB`, {
        subject: url,
      })
    }
    parts.push(value)
  }
}

async function attempt<T>(url: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    const why = cause instanceof Error && cause.cause ? messageOf(cause.cause) : messageOf(cause)
    throw new CflowError('NETWORK', `${url} cannot be fetched: ${why}`, { subject: url, cause })
  }
}

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
  const subject = url
  try {
    const response = await fetch(url)
    const { status, statusText, ok, body } = response
    if (status === 404 || status === 410)
      throw new CflowError('NOT_FOUND', `there is no ${url}`, {
        subject,
        hint: 'Check the address.',
      })
    if (!ok || !body)
      throw new CflowError('NETWORK', `${url} answered ${status} ${statusText}`, { subject })
    const reader = body.getReader()
    const parts: Uint8Array<ArrayBuffer>[] = []
    for (let size = 0; ;) {
      const { done, value } = await reader.read()
      if (done) return new Uint8Array(await new Blob(parts).arrayBuffer())
      parts.push(value)
      size += value.length
      if (size <= limit) continue
      await reader.cancel().catch(() => undefined)
      const most = `${Math.floor(limit / 2 ** 20)} MiB`
      throw new CflowError(tooLarge, `${url} is larger than ${most}`, { subject })
    }
  } catch (cause) {
    if (cause instanceof CflowError) throw cause
    const why = cause instanceof Error && cause.cause ? messageOf(cause.cause) : messageOf(cause)
    throw new CflowError('NETWORK', `${url} cannot be fetched: ${why}`, { subject, cause })
  }
}

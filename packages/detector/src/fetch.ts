import { CflowError, messageOf, type ErrorCode } from '@cflow/base'

/** Times that a file is asked for whose answer breaks off. */
const attempts = 3

/**
 * The bytes behind a URL. An answer that breaks off, as on a bad line, is asked for again, twice at most.
 * @param limit bytes; more are refused while they arrive
 * @param tooLarge code of the error for them
 * @throws CflowError NOT_FOUND for 404 and 410, NETWORK for other failures, `tooLarge`
 */
export async function fetchBytes(
  url: string,
  limit: number,
  tooLarge: ErrorCode,
): Promise<Uint8Array> {
  let broken: unknown
  for (let attempt = 0; attempt < attempts; attempt++) {
    const got = await answer(url, limit, tooLarge)
    if (got instanceof Uint8Array) return got
    broken = got.broken
  }
  throw unreachable(url, broken)
}

async function answer(
  url: string,
  limit: number,
  tooLarge: ErrorCode,
): Promise<Uint8Array | { readonly broken: unknown }> {
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
    return await bytesOf(body, url, limit, tooLarge)
  } catch (cause) {
    if (cause instanceof CflowError) throw cause
    throw unreachable(url, cause)
  }
}

function unreachable(url: string, cause: unknown): CflowError {
  const why = cause instanceof Error && cause.cause ? messageOf(cause.cause) : messageOf(cause)
  return new CflowError('NETWORK', `${url} cannot be fetched: ${why}`, { subject: url, cause })
}

async function bytesOf(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  url: string,
  limit: number,
  tooLarge: ErrorCode,
): Promise<Uint8Array | { readonly broken: unknown }> {
  const reader = body.getReader()
  const parts: Uint8Array<ArrayBuffer>[] = []
  for (let size = 0; ;) {
    let part
    try {
      part = await reader.read()
    } catch (broken) {
      return { broken }
    }
    if (part.done) return new Uint8Array(await new Blob(parts).arrayBuffer())
    parts.push(part.value)
    size += part.value.length
    if (size <= limit) continue
    await reader.cancel().catch(() => undefined)
    const most = `${Math.floor(limit / 2 ** 20)} MiB`
    throw new CflowError(tooLarge, `${url} is larger than ${most}`, { subject: url })
  }
}

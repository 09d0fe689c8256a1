import { CflowError, messageOf } from './errors.js'

/** Times that a file is asked for whose answer breaks off. */
const attempts = 3

/**
 * What is behind a URL, part by part as it arrives. An answer that breaks off, as on a bad line, is asked for again, twice at
 * most; what has come is not given again.
 * @param headers of the request
 * @throws CflowError NOT_FOUND for 404 and 410, NETWORK for other failures
 */
export async function* arriving(
  url: string,
  headers: Readonly<Record<string, string>> = {},
): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
  let given = 0
  for (let attempt = 1; ; attempt++) {
    const reader = await opened(url, headers)
    try {
      for (let begin = 0; ;) {
        const part = await reader.read().catch((cause: unknown) => {
          if (attempt === attempts) throw unreachable(url, cause)
          return undefined
        })
        if (!part) break
        if (part.done) return
        const fresh = part.value.subarray(Math.max(0, given - begin))
        begin += part.value.length
        if (fresh.length === 0) continue
        given += fresh.length
        yield fresh
      }
    } finally {
      // nothing is left of it, unless whom it is for has had enough
      void reader.cancel().catch(() => undefined)
    }
  }
}

async function opened(
  url: string,
  headers: Readonly<Record<string, string>>,
): Promise<ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>> {
  const response = await fetch(url, { headers }).catch((cause: unknown) => {
    throw unreachable(url, cause)
  })
  const { status, statusText, ok, body } = response
  if (status === 404 || status === 410)
    throw new CflowError('NOT_FOUND', `there is no ${url}`, {
      subject: url,
      hint: 'Check the address.',
    })
  if (!ok || !body)
    throw new CflowError('NETWORK', `${url} answered ${status} ${statusText}`, { subject: url })
  return body.getReader()
}

function unreachable(url: string, cause: unknown): CflowError {
  const why = cause instanceof Error && cause.cause ? messageOf(cause.cause) : messageOf(cause)
  return new CflowError('NETWORK', `${url} cannot be fetched: ${why}`, { subject: url, cause })
}

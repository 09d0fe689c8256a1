import { CflowError } from '@cflow/base'

/** Bytes of the files that are made before the site is built (tools/build-example.ts), by name. */
export const sizes: Readonly<Record<string, number>> = Object.assign(
  {},
  ...Object.values(
    import.meta.glob<object>('../../generated/sizes.json', { import: 'default', eager: true }),
  ),
)

/** Called with how many bytes more have come. */
export type OnBytes = (bytes: number) => void

/** Times that a file is asked for whose answer breaks off. */
const attempts = 3

/**
 * A file of this site, part by part as it arrives. An answer that breaks off is asked for again, twice at most; what has come
 * is not given again.
 * @param what what it is, for the message
 * @throws CflowError NETWORK, NOT_FOUND
 */
export async function* arriving(
  url: string,
  what: string,
  onBytes: OnBytes,
  headers: Readonly<Record<string, string>> = {},
) {
  let given = 0
  for (let attempt = 1; ; attempt++) {
    const reader = await opened(url, what, headers)
    for (let begin = 0; ;) {
      const part = await reader.read().catch((cause: unknown) => {
        if (attempt === attempts) throw unreachable(url, what, 'its answer breaks off', cause)
        return undefined
      })
      if (!part) break
      if (part.done) return
      const fresh = part.value.subarray(Math.max(0, given - begin))
      begin += part.value.length
      if (fresh.length === 0) continue
      given += fresh.length
      onBytes(fresh.length)
      yield fresh
    }
  }
}

async function opened(url: string, what: string, headers: Readonly<Record<string, string>>) {
  const response = await fetch(url, { headers }).catch((cause: unknown) => {
    throw unreachable(url, what, 'there is no answer', cause)
  })
  const { ok, status, body } = response
  if (!ok || !body)
    throw new CflowError(
      status === 404 ? 'NOT_FOUND' : 'NETWORK',
      `${what} is missing (${status})`,
      {
        subject: url,
        hint: 'Load the page again; if it stays so, the site was not copied completely.',
      },
    )
  return body.getReader()
}

const unreachable = (url: string, what: string, why: string, cause: unknown) =>
  new CflowError('NETWORK', `${what} could not be loaded: ${why}`, {
    subject: url,
    hint: 'Check the connection, and load the page again.',
    cause,
  })

/** What is in a file that gzip made. */
export const unzipped = (file: Blob): Promise<Blob> =>
  new Response(file.stream().pipeThrough(new DecompressionStream('gzip'))).blob()

/** A file of this site. @throws as `arriving` */
export async function fetched(
  url: string,
  what: string,
  onBytes: OnBytes = () => {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  for await (const part of arriving(url, what, onBytes, headers)) parts.push(part)
  return new Blob(parts)
}

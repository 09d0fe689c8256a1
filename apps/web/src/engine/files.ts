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

/**
 * A file of this site, part by part as it arrives.
 * @param what what it is, for the message
 * @throws CflowError NETWORK, NOT_FOUND
 */
export async function* arriving(
  url: string,
  what: string,
  onBytes: OnBytes,
  headers: Readonly<Record<string, string>> = {},
) {
  const response = await fetch(url, { headers }).catch((cause: unknown) => {
    throw new CflowError('NETWORK', `${what} could not be loaded: there is no answer`, {
      subject: url,
      hint: 'Check the connection, and load the page again.',
      cause,
    })
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
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    onBytes(value.length)
    yield value
  }
}

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

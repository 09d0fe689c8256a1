import { CflowError, arriving as parts } from '@cflow/base'

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
  try {
    for await (const part of parts(url, headers)) {
      onBytes(part.length)
      yield part
    }
  } catch (cause) {
    if (!(cause instanceof CflowError)) throw cause
    const isMissing = cause.code === 'NOT_FOUND'
    throw new CflowError(
      cause.code,
      `${what} ${isMissing ? 'is missing' : 'could not be loaded'}`,
      {
        subject: url,
        hint: isMissing
          ? 'Load the page again; if it stays so, the site was not copied completely.'
          : 'Check the connection, and load the page again.',
        cause,
      },
    )
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

import { CflowError, arriving, type ErrorCode } from '@cflow/base'

/**
 * The bytes behind a URL. An answer that breaks off is asked for again, twice at most.
 * @param limit bytes; more are refused while they arrive
 * @param tooLarge code of the error for them
 * @throws CflowError NOT_FOUND for 404 and 410, NETWORK for other failures, `tooLarge`
 */
export async function fetchBytes(
  url: string,
  limit: number,
  tooLarge: ErrorCode,
): Promise<Uint8Array> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  let size = 0
  for await (const part of arriving(url)) {
    parts.push(part)
    size += part.length
    if (size <= limit) continue
    const most = `${Math.floor(limit / 2 ** 20)} MiB`
    throw new CflowError(tooLarge, `${url} is larger than ${most}`, { subject: url })
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer())
}

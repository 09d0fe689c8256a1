/** SHA-256 as lower-case hexadecimal digits (Web Crypto: Node and secure pages). */
export async function sha256(data: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', data as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(hash), (b) => b.toString(16).padStart(2, '0')).join('')
}

/** Digest of a sequence of images: SHA-256 over the SHA-256 of each one's pixels, in order. */
export async function digestOf(images: AsyncIterable<Uint8Array>): Promise<string> {
  const parts: string[] = []
  for await (const pixels of images) parts.push(await sha256(pixels))
  return sha256(new TextEncoder().encode(parts.join('\n')))
}

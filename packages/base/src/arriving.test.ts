import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { arriving } from './arriving.js'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

const content = Uint8Array.from({ length: 200_000 }, (_, i) => (i * 31) % 251)

/** A host whose first answers break off after so many bytes. */
async function breaking(...after: readonly number[]) {
  let asked = 0
  server = createServer((_, response) => {
    response.writeHead(200, { 'Content-Length': content.length })
    const end = after[asked++]
    if (end === undefined) response.end(content)
    else response.write(content.subarray(0, end), () => setTimeout(() => response.destroy(), 20))
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/x`, asked: () => asked }
}

async function all(url: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  for await (const part of arriving(url)) parts.push(part)
  return Buffer.concat(parts)
}

it('asks again for a file whose answer breaks off, and gives what is new of it', async () => {
  const host = await breaking(120_000, 50_000)
  expect(Buffer.compare(await all(host.url), content)).toBe(0)
  expect(host.asked()).toBe(3)
})

it('gives up when it breaks off each time, and tells why', async () => {
  const host = await breaking(10, 20, 30, 40)
  await expect(all(host.url)).rejects.toMatchObject({
    code: 'NETWORK',
    subject: host.url,
    message: expect.stringMatching(/cannot be fetched: ./) as string,
  })
  expect(host.asked()).toBe(3)
})

it('lets go of what nobody wants any more', async () => {
  let isClosed = false
  server = createServer((_, response) => {
    response.on('close', () => (isClosed = true))
    response.writeHead(200).write(content)
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  for await (const part of arriving(`http://127.0.0.1:${port}/`)) if (part.length > 0) break
  await expect.poll(() => isClosed).toBe(true)
})

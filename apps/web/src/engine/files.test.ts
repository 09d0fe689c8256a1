import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { arriving, fetched } from './files.js'

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

it('asks again for a file whose answer breaks off, and gives what is new of it', async () => {
  const host = await breaking(120_000, 50_000)
  let bytes = 0
  const blob = await fetched(host.url, 'A file', (b) => (bytes += b))
  expect(Buffer.from(await blob.arrayBuffer()).equals(content)).toBe(true)
  expect([bytes, host.asked()]).toEqual([content.length, 3])
})

it('says so when it breaks off each time', async () => {
  const host = await breaking(10, 20, 30, 40)
  const all = async () => {
    for await (const part of arriving(host.url, 'A file', () => {})) expect(part.length).toBe(10)
  }
  await expect(all()).rejects.toThrow('A file could not be loaded: its answer breaks off')
  expect(host.asked()).toBe(3)
})

it('says what is missing', async () => {
  server = createServer((_, response) => response.writeHead(404).end()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server?.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  await expect(fetched(`http://127.0.0.1:${port}/`, 'A file')).rejects.toMatchObject({
    code: 'NOT_FOUND',
  })
})

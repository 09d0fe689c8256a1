import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { fetched } from './files.js'

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

async function host(status: number, body?: string): Promise<string> {
  server = createServer((_, response) => response.writeHead(status).end(body))
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`
}

it('tells how much has come', async () => {
  let bytes = 0
  const file = await fetched(await host(200, 'abc'), 'A file', (b) => (bytes += b))
  expect([await file.text(), bytes]).toEqual(['abc', 3])
})

it('says in words of the page what is missing, and what could not be loaded', async () => {
  await expect(fetched(await host(404), 'A file')).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: 'A file is missing',
  })
  server?.close()
  await expect(fetched(await host(503), 'A file')).rejects.toMatchObject({
    code: 'NETWORK',
    message: 'A file could not be loaded',
    hint: expect.stringContaining('connection') as string,
  })
})

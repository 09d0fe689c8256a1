import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { fetchBytes } from './fetch.js'

const whole = Uint8Array.from({ length: 200_000 }, (_, i) => i % 251)
let server: Server | undefined
afterEach(() => server?.close())

/** A host whose first answers break off in the middle. */
async function host(breaks: number): Promise<{ url: string; asked: () => number }> {
  let asked = 0
  server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': whole.length })
    if (asked++ >= breaks) return void response.end(whole)
    response.write(whole.subarray(0, 100_000), () => response.destroy())
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}/weights`, asked: () => asked }
}

it('asks again for an answer that breaks off', async () => {
  const { url, asked } = await host(2)
  expect(Buffer.compare(await fetchBytes(url, 1e6, 'WEIGHTS'), whole)).toBe(0)
  expect(asked()).toBe(3)
})

it('asks once for what is too large', async () => {
  const { url, asked } = await host(0)
  await expect(fetchBytes(url, 1000, 'WEIGHTS')).rejects.toMatchObject({ code: 'WEIGHTS' })
  expect(asked()).toBe(1)
})

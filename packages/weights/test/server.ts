import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface FileServer {
  readonly url: string
  /** `Range` headers of the requests so far. */
  readonly ranges: (string | undefined)[]
  close(): Promise<void>
}

/**
 * A server on this machine.
 * @param answer what it does with each request; `n` counts them from 0
 */
export async function serve(
  answer: (request: IncomingMessage, response: ServerResponse, n: number) => void,
): Promise<FileServer> {
  const ranges: (string | undefined)[] = []
  const server = createServer((request, response) => {
    ranges.push(request.headers.range)
    answer(request, response, ranges.length - 1)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    ranges,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        server.closeAllConnections()
      }),
  }
}

/** Send a file as servers do, honouring `Range`, up to the byte `until`, and then break the connection. */
export function send(
  bytes: Uint8Array,
  request: IncomingMessage,
  response: ServerResponse,
  until = bytes.length,
): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? NaN)
  if (from >= bytes.length) {
    response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
    return
  }
  const start = Number.isNaN(from) ? 0 : from
  response.writeHead(Number.isNaN(from) ? 200 : 206, {
    'content-length': bytes.length - start,
    'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}`,
  })
  if (until >= bytes.length) response.end(bytes.subarray(start))
  else response.write(bytes.subarray(start, until), () => setTimeout(() => response.destroy(), 20))
}

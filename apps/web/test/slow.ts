import { createServer, connect, type AddressInfo, type Socket } from 'node:net'

/** A line to a site that carries so much and no more, whoever asks: the page, its workers, its service worker. */
export interface SlowLine {
  readonly url: string
  /** Bytes that have come through. */
  readonly bytes: number
  close(): Promise<void>
}

const tick = 5

/** @param bitsPerSecond of all connections together */
export async function slowLine(url: string, bitsPerSecond = Infinity): Promise<SlowLine> {
  const { hostname, port, pathname } = new URL(url)
  const queues = new Map<Socket, Buffer[]>()
  const sockets = new Set<Socket>()
  let bytes = 0
  let allowed = 0
  let last = performance.now()
  const send = () => {
    const now = performance.now()
    allowed = Math.min(allowed + ((now - last) * bitsPerSecond) / 8000, bitsPerSecond / 80)
    last = now
    // in turns, so that what is asked for together comes together
    for (let isMore = true; isMore && allowed > 0;) {
      isMore = false
      for (const [socket, queue] of queues) {
        const head = queue[0]
        if (!head || allowed <= 0) continue
        const part = head.subarray(0, Math.min(1460, Math.ceil(allowed)))
        if (part.length === head.length) queue.shift()
        else queue[0] = head.subarray(part.length)
        socket.write(part)
        allowed -= part.length
        bytes += part.length
        isMore ||= queue.length > 0
      }
    }
  }
  const timer = setInterval(send, tick)
  const server = createServer((socket) => {
    const queue: Buffer[] = []
    const up = connect(Number(port), hostname)
    queues.set(socket, queue)
    for (const s of [socket, up]) sockets.add(s)
    socket.pipe(up)
    up.on('data', (data: Buffer) => void queue.push(data))
    const end = () => {
      queues.delete(socket)
      socket.destroy()
      up.destroy()
    }
    for (const s of [socket, up]) s.on('error', end)
    socket.on('close', end)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}`,
    get bytes() {
      return bytes
    },
    async close() {
      clearInterval(timer)
      for (const s of sockets) s.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

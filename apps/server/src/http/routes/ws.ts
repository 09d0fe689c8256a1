import { CflowError, messageOf } from '@cflow/base'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { ServerContext } from '../context.js'
import { judge } from '../detectors.js'
import { nameSchema } from '../schemas.js'
import { includesOf, plainPrediction, predictQuery } from '../prediction.js'

/** Answers that a client has not taken yet; beyond them its frames are dropped. */
const maxUnsent = 2 ** 20
const pingMilliseconds = 30_000

/**
 * Frames over a WebSocket: every binary message is an encoded image, and is answered by one JSON message. While one is
 * judged the newest waits, and older ones are dropped: a slow detector never makes frames pile up.
 */
export function socketRoutes(base: FastifyInstance, context: ServerContext): void {
  const { detectors } = context
  base.withTypeProvider<ZodTypeProvider>().get(
    '/v1/detectors/:id/stream',
    {
      websocket: true,
      config: { scope: 'predict' },
      schema: {
        hide: true,
        params: z.object({ id: nameSchema }),
        querystring: predictQuery.extend({ access_token: z.string().optional() }),
      },
    },
    (socket, request) => {
      const { id } = request.params
      const { version, threshold, false_positive_rate: falsePositiveRate, include } = request.query
      let frame = 0
      let dropped = 0
      let next: { readonly frame: number; readonly bytes: Buffer } | undefined
      let running = false
      const gone = new AbortController()
      const send = (message: object) => socket.send(JSON.stringify(message))
      const failed = (error: unknown) => {
        const known = error instanceof CflowError ? error : new CflowError('INTERNAL', messageOf(error)) // prettier-ignore
        const { code, message, hint } = known
        return { error: { code, message, ...(hint !== undefined && { hint }) } }
      }
      const run = async (): Promise<void> => {
        if (running) return
        running = true
        while (next && !gone.signal.aborted) {
          const { frame, bytes } = next
          next = undefined
          if (socket.bufferedAmount > maxUnsent) {
            dropped++
            continue
          }
          try {
            const included = includesOf(include)
            const resolved = await detectors.find(id, version)
            const prediction = await judge(
              context,
              resolved,
              { encoded: bytes },
              {
                ...{ threshold, falsePositiveRate },
                wanted: {
                  regions: true,
                  heatMap: included.includes('heat_map'),
                  mask: included.includes('mask'),
                  map: included.includes('anomaly_map'),
                },
              },
              { requestId: request.id, signal: gone.signal },
            )
            send({ frame, dropped, detector: id, version: resolved.record.version, ...plainPrediction(prediction) }) // prettier-ignore
          } catch (error) {
            if (gone.signal.aborted) break
            if (error instanceof CflowError && error.code === 'OVERLOADED') dropped++
            send({ frame, dropped, ...failed(error) })
          }
        }
        running = false
      }
      let alive = true
      const pings = setInterval(() => {
        if (!alive) return socket.terminate()
        alive = false
        socket.ping()
      }, pingMilliseconds)
      socket.on('pong', () => (alive = true))
      socket.on('message', (data: Buffer, isBinary: boolean) => {
        alive = true
        if (!isBinary)
          return send(failed(new CflowError('USAGE', 'a frame is a binary message: an encoded image'))) // prettier-ignore
        if (next) dropped++
        next = { frame: ++frame, bytes: data }
        void run()
      })
      socket.on('error', () => socket.terminate())
      socket.on('close', () => {
        clearInterval(pings)
        gone.abort()
      })
    },
  )
}

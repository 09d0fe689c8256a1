import { CflowError } from '@cflow/base'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { createHash, randomUUID } from 'node:crypto'
import { Readable } from 'node:stream'
import { setTimeout } from 'node:timers/promises'
import * as z from 'zod'
import { jobInput, kinds } from '../../jobs/kinds.js'
import { removeJob } from '../../jobs/removal.js'
import { tellEnded } from '../../sinks/enqueue.js'
import type { JobRecord } from '../../state/state.js'
import type { ServerContext } from '../context.js'
import { answers, binary, found, nameSchema } from '../schemas.js'

const statuses = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const
const jobBody = z
  .object({
    id: z.string(),
    kind: z.enum(kinds),
    status: z.enum(statuses),
    created_at: z.iso.datetime(),
    started_at: z.iso.datetime().optional(),
    ended_at: z.iso.datetime().optional(),
    cancel_requested: z.boolean(),
    worker: z.string().optional(),
    crashes: z.int().meta({ description: 'How often its process died.' }),
    input: z.record(z.string(), z.unknown()),
    progress: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: 'stage, done, total, pass, passes, losses, rate, seconds_left' }),
    files: z
      .array(z.object({ name: z.string(), bytes: z.int(), sha256: z.string(), type: z.string() }))
      .optional(),
    image: z.record(z.string(), z.unknown()).optional().meta({ description: 'Metrics of images.' }),
    pixel: z.record(z.string(), z.unknown()).optional().meta({ description: 'Metrics of pixels.' }),
    detector: z.string().optional().meta({ description: 'What the result became a version of.' }),
    version: z.int().optional(),
    settings: z
      .record(z.string(), z.unknown())
      .optional()
      .meta({ description: 'Of kind tune: the settings that were chosen, for a training.' }),
    explanation: z.string().optional().meta({ description: 'Of kind tune: why these.' }),
    error: z
      .object({ code: z.string(), message: z.string(), hint: z.string().optional() })
      .optional(),
  })
  .meta({ id: 'Job' })
const versionBody = z.object({ detector: z.string(), version: z.int() }).meta({ id: 'Promoted' })
const byId = z.object({ id: z.uuid() })
const tags = ['jobs']

/** Milliseconds between two looks for news of a job, and between two signs of life. */
const streaming = { poll: 300, alive: 15_000 } as const

interface Result {
  readonly files?: Readonly<
    Record<string, { key: string; bytes: number; digest: string; type: string }>
  >
  readonly image?: Record<string, unknown>
  readonly pixel?: Record<string, unknown>
  readonly summary?: Record<string, unknown>
  readonly settings?: Record<string, unknown>
  readonly explanation?: string
  readonly detector?: string
  readonly version?: number
}
const resultOf = ({ result }: JobRecord): Result => (result ?? {}) as Result

/** Trainings, choices of settings, evaluations and updates, and what comes of them. */
export async function jobRoutes(base: FastifyInstance, context: ServerContext): Promise<void> {
  const { state, storage, jobs } = context
  const app = base.withTypeProvider<ZodTypeProvider>()
  const ending = new AbortController()
  base.addHook('preClose', async () => ending.abort())
  const jobOf = async (id: string) => found(await state.jobs.get(id), 'job', id)

  app.post(
    '/v1/jobs',
    {
      config: { scope: 'train' },
      schema: {
        summary: 'Ask for a training, a choice of settings, an evaluation or an update',
        tags,
        body: jobInput,
        response: answers({ 202: jobBody }, 404, 422),
      },
    },
    async ({ body }, reply) => reply.code(202).send(describe(await jobs.submit(body))),
  )
  app.get(
    '/v1/jobs',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List jobs, the newest first',
        tags,
        querystring: z.object({
          status: z.enum(statuses).optional(),
          limit: z.coerce.number().int().min(1).max(1000).default(100),
        }),
        response: answers({ 200: z.object({ jobs: z.array(jobBody) }) }),
      },
    },
    async ({ query: { status, limit } }) => ({
      jobs: (await state.jobs.list({ limit, ...(status && { status }) })).map(describe),
    }),
  )
  app.get(
    '/v1/jobs/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'A job', tags, params: byId, response: answers({ 200: jobBody }, 404) },
    },
    async ({ params: { id } }) => describe(await jobOf(id)),
  )
  app.post(
    '/v1/jobs/:id/cancel',
    {
      config: { scope: 'train' },
      schema: {
        summary: 'Cancel a job; one that runs ends within seconds',
        tags,
        params: byId,
        response: answers({ 200: jobBody }, 404),
      },
    },
    async ({ params: { id } }) => {
      const before = await jobOf(id)
      const job = found(await state.jobs.requestCancel(id, Date.now()), 'job', id)
      // one that waited has ended by this
      if (before.endedAt === undefined && job.endedAt !== undefined) await tellEnded(state, job)
      return describe(job)
    },
  )
  app.delete(
    '/v1/jobs/:id',
    {
      config: { scope: 'train' },
      schema: {
        summary: 'Delete a job that ended, and its files; detectors that came of it stay',
        tags,
        params: byId,
        response: answers({ 204: z.null().meta({ description: 'It is deleted.' }) }, 404, 409),
      },
    },
    async ({ params: { id } }, reply) => {
      found((await removeJob(context, id)) || undefined, 'job', id)
      return reply.code(204).send(null)
    },
  )
  app.get(
    '/v1/jobs/:id/events',
    {
      config: { scope: 'read' },
      schema: {
        summary:
          'Server-sent events: its history from the start, or from Last-Event-ID, and on to its end',
        tags,
        params: byId,
        headers: z.looseObject({ 'last-event-id': z.coerce.number().int().min(0).optional() }),
        response: answers({ 200: binary('Events progress, log, started, resumed, paused, crashed, ended; data is JSON.', 'text/event-stream') }, 404), // prettier-ignore
      },
    },
    async ({ params: { id }, headers }, reply) => {
      await jobOf(id)
      return reply
        .type('text/event-stream')
        .header('cache-control', 'no-store')
        .header('x-accel-buffering', 'no')
        .send(Readable.from(events(id, headers['last-event-id'] ?? 0), { highWaterMark: 16 }))
    },
  )
  async function* events(id: string, from: number): AsyncGenerator<string> {
    let last = from
    let said = Date.now()
    yield ': this is the history of a job\n\n'
    while (!ending.signal.aborted) {
      // its state first: what is told before it ended is then in the history
      const job = await state.jobs.get(id)
      // deleted
      if (!job) return
      const ended = (job.endedAt ?? Infinity) < Date.now() - 1000
      const lines = await state.jobs.events(id, last)
      for (const { sequence, at, event } of lines) {
        const { type, ...data } = event
        last = sequence
        yield `id: ${sequence}\nevent: ${String(type)}\ndata: ${JSON.stringify({ at: new Date(at).toISOString(), ...data })}\n\n`
        if (type === 'ended') return
      }
      if (ended) {
        const record = await state.jobs.get(id)
        // cancelled before it began
        if (record) yield `event: ended\ndata: ${JSON.stringify({ status: record.status })}\n\n`
        return
      }
      if (lines.length > 0) said = Date.now()
      if (Date.now() - said > streaming.alive) {
        said = Date.now()
        yield ': still there\n\n'
      }
      await setTimeout(streaming.poll, undefined, { signal: ending.signal }).catch(() => undefined)
    }
  }
  app.get(
    '/v1/jobs/:id/files/:name',
    {
      config: { scope: 'read' },
      schema: {
        summary:
          'A file that a job made: report.html, metrics.json, scores.csv, model.onnx, tuned.json',
        tags,
        params: byId.extend({ name: nameSchema }),
        response: answers({ 200: binary('The file.', 'application/octet-stream', 'text/html', 'application/json', 'text/csv') }, 404), // prettier-ignore
      },
    },
    async ({ params: { id, name } }, reply) => {
      const file = found(ownFile(await jobOf(id), name), 'file', name)
      return (
        reply
          .type(file.type)
          .header('content-length', file.bytes)
          .header('etag', `"${file.digest}"`)
          // a report is a page of its own, and no page of this server
          .header(
            'content-security-policy',
            "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'; sandbox allow-scripts",
          ) // prettier-ignore
          .send(Readable.from(await storage.read(file.key)))
      )
    },
  )
  app.post(
    '/v1/jobs/:id/promote',
    {
      config: { scope: 'train' },
      schema: {
        summary: 'Make the result of a training a version of a detector',
        tags,
        params: byId,
        body: z.strictObject({ detector: nameSchema, activate: z.boolean().default(true) }),
        response: answers({ 201: versionBody }, 404, 409),
      },
    },
    async ({ params: { id }, body: { detector, activate } }, reply) => {
      const job = await jobOf(id)
      const file = ownFile(job, 'model.onnx')
      const { summary } = resultOf(job)
      if (!file || !summary)
        throw new CflowError('CONFLICT', 'the job has made no detector', {
          subject: id,
          hint: job.endedAt === undefined ? 'wait for its end' : 'only trainings make one',
        })
      const key = `detectors/${createHash('sha256').update(detector).digest('hex').slice(0, 16)}-${randomUUID()}.onnx` // prettier-ignore
      const { digest, bytes } = await storage.put(key, await storage.read(file.key))
      const source = { kind: 'job', job: id } as const
      const { version } = await state.detectors.addVersion(
        { detector, createdAt: Date.now(), digest, bytes, key, summary, source },
        { activate },
      )
      context.detectors.forget(detector)
      return reply.code(201).send({ detector, version })
    },
  )
}

const ownFile = (job: JobRecord, name: string) => {
  const { files = {} } = resultOf(job)
  return Object.hasOwn(files, name) ? files[name] : undefined
}

function describe(job: JobRecord): z.input<typeof jobBody> {
  const { files, image, pixel, detector, version, settings, explanation } = resultOf(job)
  const at = (key: string, time: number | undefined) =>
    time === undefined ? {} : { [key]: new Date(time).toISOString() }
  const { id, kind, status, input, crashes, progress, error } = job
  return {
    ...{ id, kind: kind as 'train', status, created_at: new Date(job.createdAt).toISOString() },
    ...at('started_at', job.startedAt),
    ...at('ended_at', job.endedAt),
    cancel_requested: job.cancelRequested,
    ...(job.lease && { worker: job.lease.worker }),
    ...{ crashes, input: { ...input } },
    ...(progress && { progress: { ...progress } }),
    ...(files && {
      files: Object.entries(files).map(([name, { bytes, digest, type }]) => ({ name, bytes, sha256: digest, type })), // prettier-ignore
    }),
    ...(image && { image }),
    ...(pixel && { pixel }),
    ...(detector !== undefined && { detector, version }),
    ...(settings && { settings }),
    ...(explanation !== undefined && { explanation }),
    ...(error && { error }),
  }
}

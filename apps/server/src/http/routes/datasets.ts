import { CflowError } from '@cflow/base'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import * as z from 'zod'
import { imagePath } from '../../jobs/images.js'
import { writeChunks } from '../../state/files.js'
import { hashing } from '../../state/hashing.js'
import type { DatasetFileRecord, DatasetRecord } from '../../state/state.js'
import type { ServerContext } from '../context.js'
import { answers, binary, found, nameSchema } from '../schemas.js'
import { uploadsOver } from '../uploads.js'

const sha256 = z
  .string()
  .regex(/^[0-9a-fA-F]{64}$/, 'is 64 hexadecimal digits')
  .transform((digest) => digest.toLowerCase())
const path = z
  .string()
  .min(1)
  .max(500)
  .meta({ description: 'Place in the data set, such as good/001.png or bad/scratch/002.png.' })
const datasetBody = z
  .object({ id: z.string(), created_at: z.iso.datetime(), files: z.int(), bytes: z.int() })
  .meta({ id: 'Dataset' })
const fileBody = z
  .object({ path: z.string(), bytes: z.int(), sha256: z.string() })
  .meta({ id: 'DatasetFile' })
const uploadBody = z
  .object({
    id: z.string(),
    path: z.string(),
    sha256: z.string(),
    bytes: z.int(),
    offset: z.int().meta({ description: 'Bytes that are kept; go on from there.' }),
    complete: z.boolean(),
  })
  .meta({ id: 'Upload' })
const byId = z.object({ id: nameSchema })
const byUpload = z.object({ id: nameSchema, upload: z.uuid() })
const none = z.null().meta({ description: 'It is done.' })
const tags = ['data sets']
const bytesBody = {
  'application/octet-stream': { type: 'string', format: 'binary' },
  'image/*': { type: 'string', format: 'binary' },
}

/** Images to learn from and to measure with. A file is there whole or not at all, and named by its SHA-256. */
export async function datasetRoutes(base: FastifyInstance, context: ServerContext): Promise<void> {
  const { state, storage, config } = context
  const maximum = config.maxImageBytes
  // files go to the storage as they come
  base.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
  const app = base.withTypeProvider<ZodTypeProvider>()
  const uploads = uploadsOver(storage, maximum)
  const sweep = () =>
    void uploads.sweep().catch((err: unknown) => context.log.warn({ err }, 'old uploads stay'))
  const sweeping = setInterval(sweep, 3_600_000).unref()
  base.addHook('onClose', async () => clearInterval(sweeping))

  const datasetOf = async (id: string) => found(await state.datasets.get(id), 'data set', id)
  const describe = async (record: DatasetRecord) => ({
    id: record.id,
    created_at: new Date(record.createdAt).toISOString(),
    ...(await state.datasets.size(record.id)),
  })
  const describeFile = ({ path, bytes, digest }: DatasetFileRecord) => ({ path, bytes, sha256: digest }) // prettier-ignore
  /** Where bytes of a data set lie; one that is made again under the same name begins empty. */
  const prefixOf = ({ id, createdAt }: DatasetRecord) => `datasets/${id}/${createdAt}/`
  const keyOf = (record: DatasetRecord, digest: string) => prefixOf(record) + digest
  const name = async (dataset: DatasetRecord, file: Omit<DatasetFileRecord, 'dataset'>) => {
    const record = { dataset: dataset.id, ...file }
    if (await state.datasets.putFile(record)) return record
    // it was deleted meanwhile
    await storage.remove(file.key)
    return found<DatasetFileRecord>(undefined, 'data set', dataset.id)
  }

  app.get(
    '/v1/datasets',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List data sets',
        tags,
        response: answers({ 200: z.object({ datasets: z.array(datasetBody) }) }),
      },
    },
    async () => ({ datasets: await Promise.all((await state.datasets.list()).map(describe)) }),
  )
  app.post(
    '/v1/datasets',
    {
      config: { scope: 'train' },
      schema: {
        summary: 'Make an empty data set',
        tags,
        body: z.strictObject({ id: nameSchema }),
        response: answers({ 201: datasetBody }, 409),
      },
    },
    async ({ body: { id } }, reply) => {
      const record = { id, createdAt: Date.now() }
      if (!(await state.datasets.create(record)))
        throw new CflowError('EXISTS', `there is a data set ${id} already`, { subject: id })
      return reply.code(201).send(await describe(record))
    },
  )
  app.get(
    '/v1/datasets/:id',
    {
      config: { scope: 'read' },
      schema: { summary: 'A data set', tags, params: byId, response: answers({ 200: datasetBody }, 404) }, // prettier-ignore
    },
    async ({ params: { id } }) => describe(await datasetOf(id)),
  )
  app.delete(
    '/v1/datasets/:id',
    {
      config: { scope: 'train' },
      schema: {
        summary: 'Delete a data set; jobs that still need it fail',
        tags,
        params: byId,
        response: answers({ 204: none }, 404),
      },
    },
    async ({ params: { id } }, reply) => {
      const record = await datasetOf(id)
      await state.datasets.remove(id)
      for (const prefix of [prefixOf(record), `uploads/${id}/`])
        for (const key of await storage.list(prefix)) await storage.remove(key)
      return reply.code(204).send(null)
    },
  )
  app.get(
    '/v1/datasets/:id/files',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'The files of a data set, in the order of their paths',
        tags,
        params: byId,
        querystring: z.object({
          after: z.string().max(500).default(''),
          limit: z.coerce.number().int().min(1).max(10_000).default(1000),
        }),
        response: answers({ 200: z.object({ files: z.array(fileBody) }) }, 404),
      },
    },
    async ({ params: { id }, query }) => {
      await datasetOf(id)
      return { files: (await state.datasets.files(id, query)).map(describeFile) }
    },
  )
  app.put(
    '/v1/datasets/:id/files',
    {
      bodyLimit: maximum,
      config: { scope: 'train', streams: true, bodies: bytesBody },
      schema: {
        summary: 'Upload a file, or name bytes that are there (an empty body with sha256)',
        tags,
        params: byId,
        querystring: z.object({ path, sha256: sha256.optional() }),
        response: answers({ 201: fileBody }, 404, 422),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { sha256: digest } = request.query
      const place = imagePath(request.query.path)
      const dataset = await datasetOf(id)
      const isEmpty = request.headers['content-length'] === '0' || request.body === undefined
      if (isEmpty && digest !== undefined) {
        const key = keyOf(dataset, digest)
        const bytes = found(await storage.size(key), 'file with the SHA-256', digest)
        return reply.code(201).send(describeFile(await name(dataset, { path: place, digest, bytes, key }))) // prettier-ignore
      }
      const body = bytesOf(request.body)
      if (isEmpty || !body)
        throw new CflowError('USAGE', 'the body holds no file', {
          subject: 'body',
          hint: 'send its bytes as application/octet-stream',
        })
      if (digest !== undefined) {
        const key = keyOf(dataset, digest)
        const { bytes } = await storage.put(key, body, { digest, maximum })
        return reply.code(201).send(describeFile(await name(dataset, { path: place, digest, bytes, key }))) // prettier-ignore
      }
      // its name is its digest, which is known at its end
      const incoming = join(config.data, 'incoming', randomUUID())
      try {
        const { passing, found: put } = hashing(body, { maximum })
        await writeChunks(incoming, passing())
        const { digest: own, bytes } = put
        const key = keyOf(dataset, own)
        await storage.put(key, createReadStream(incoming), { digest: own })
        const file = { path: place, digest: own, bytes, key }
        return reply.code(201).send(describeFile(await name(dataset, file)))
      } finally {
        await rm(incoming, { force: true })
      }
    },
  )
  app.delete(
    '/v1/datasets/:id/files',
    {
      config: { scope: 'train' },
      schema: {
        summary: 'Take a file out of a data set',
        tags,
        params: byId,
        querystring: z.object({ path }),
        response: answers({ 204: none }, 404),
      },
    },
    async ({ params: { id }, query }, reply) => {
      await datasetOf(id)
      const removed = await state.datasets.removeFile(id, query.path.normalize('NFC'))
      found(removed || undefined, 'file', query.path)
      return reply.code(204).send(null)
    },
  )
  app.get(
    '/v1/datasets/:id/file',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Download a file',
        tags,
        params: byId,
        querystring: z.object({ path }),
        response: answers({ 200: binary('The file.', 'application/octet-stream') }, 404),
      },
    },
    async ({ params: { id }, query }, reply) => {
      await datasetOf(id)
      const file = found(await state.datasets.file(id, query.path.normalize('NFC')), 'file', query.path) // prettier-ignore
      return reply
        .type('application/octet-stream')
        .header('content-length', file.bytes)
        .header('etag', `"${file.digest}"`)
        .header('content-disposition', 'attachment')
        .send(Readable.from(await storage.read(file.key)))
    },
  )
  app.post(
    '/v1/datasets/:id/missing',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Which bytes are not there yet, by their SHA-256',
        tags,
        params: byId,
        body: z.strictObject({ sha256: z.array(sha256).max(10_000) }),
        response: answers({ 200: z.object({ missing: z.array(z.string()) }) }, 404),
      },
    },
    async ({ params: { id }, body }) => {
      const dataset = await datasetOf(id)
      const prefix = prefixOf(dataset)
      const there = new Set((await storage.list(prefix)).map((key) => key.slice(prefix.length)))
      return { missing: [...new Set(body.sha256)].filter((digest) => !there.has(digest)) }
    },
  )
  app.post(
    '/v1/datasets/:id/uploads',
    {
      config: { scope: 'train' },
      schema: {
        summary: 'Begin an upload that can be gone on with after it breaks off',
        tags,
        params: byId,
        body: z.strictObject({ path, sha256, bytes: z.int().min(1) }),
        response: answers({ 201: uploadBody }, 404),
      },
    },
    async ({ params: { id }, body }, reply) => {
      await datasetOf(id)
      const { sha256: digest, bytes } = body
      return reply.code(201).send(await uploads.begin(id, { path: imagePath(body.path), digest, bytes })) // prettier-ignore
    },
  )
  app.get(
    '/v1/datasets/:id/uploads/:upload',
    {
      config: { scope: 'train' },
      schema: {
        summary: 'How much of an upload is there',
        tags,
        params: byUpload,
        response: answers({ 200: uploadBody }, 404),
      },
    },
    async ({ params: { id, upload } }) => uploads.state(id, upload),
  )
  app.patch(
    '/v1/datasets/:id/uploads/:upload',
    {
      bodyLimit: maximum,
      config: { scope: 'train', streams: true, bodies: bytesBody },
      schema: {
        summary: 'Go on with an upload; with its last byte the file is in the data set',
        tags,
        params: byUpload,
        headers: z.looseObject({
          'upload-offset': z.coerce
            .number()
            .int()
            .min(0)
            .meta({ description: 'Where these bytes begin: the offset that was answered last.' }),
        }),
        response: answers({ 200: uploadBody }, 404, 409, 422),
      },
    },
    async (request) => {
      const { id, upload } = request.params
      const dataset = await datasetOf(id)
      // nothing more may be to come: where the server died before it named what was there
      const body = bytesOf(request.body) ?? Readable.from([])
      const after = await uploads.add(id, upload, request.headers['upload-offset'], body)
      if (after.offset < after.bytes) return after
      const { path: place, sha256: digest, bytes } = after
      const key = keyOf(dataset, digest)
      await uploads.finish(id, upload, key)
      await name(dataset, { path: place, digest, bytes, key })
      await uploads.remove(id, upload)
      return { ...after, complete: true }
    },
  )
  app.delete(
    '/v1/datasets/:id/uploads/:upload',
    {
      config: { scope: 'train' },
      schema: { summary: 'Give an upload up', tags, params: byUpload, response: answers({ 204: none }, 404) }, // prettier-ignore
    },
    async ({ params: { id, upload } }, reply) => {
      await uploads.state(id, upload)
      await uploads.remove(id, upload)
      return reply.code(204).send(null)
    },
  )
}

const bytesOf = (body: unknown): AsyncIterable<Uint8Array> | undefined =>
  body instanceof Readable ? reading(body) : undefined

/** A body's bytes. Of one that is not wanted any more the rest is passed over: the answer arrives, the connection stays. */
async function* reading(body: Readable): AsyncGenerator<Uint8Array> {
  try {
    yield* body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>
  } finally {
    body.resume()
  }
}

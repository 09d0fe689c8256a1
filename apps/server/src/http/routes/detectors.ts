import { CflowError } from '@cflow/base'
import multipart from '@fastify/multipart'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import { Readable } from 'node:stream'
import * as z from 'zod'
import type { DetectorRecord, VersionRecord } from '../../state/state.js'
import type { ServerContext } from '../context.js'
import { calibrationImages } from '../detectors.js'
import { readingParts } from '../parts.js'
import { answers, binary, found, nameSchema, versionSchema } from '../schemas.js'
import { addDetector } from '../upload.js'

const versionBody = z
  .object({
    detector: z.string(),
    version: z.int(),
    active: z.boolean(),
    created_at: z.iso.datetime(),
    sha256: z.string(),
    bytes: z.int(),
    source: z.object({ kind: z.enum(['upload', 'job']), job: z.string().optional() }),
    method: z.string().optional(),
    category: z.string().optional(),
    encoder: z.string().optional(),
    input_size: z.int().optional(),
    threshold: z.number().optional(),
    false_positive_rate: z.number().optional(),
    calibration_images: z.int(),
  })
  .meta({ id: 'Version', description: 'One file of a detector.' })
const detectorBody = z
  .object({
    id: z.string(),
    created_at: z.iso.datetime(),
    active_version: z.int().optional(),
    versions: z.int(),
  })
  .meta({ id: 'Detector', description: 'A name under which versions are kept.' })
const driftBody = z
  .object({
    detector: z.string(),
    version: z.int(),
    images: z.int().meta({ description: 'Recent images (256 at most) that this server judged.' }),
    distance: z.number().optional().meta({ description: 'Kolmogorov-Smirnov distance, 0 … 1.' }),
    p_value: z.number().optional(),
    drifting: z.boolean().meta({ description: 'adjusted_p_value was below 0.001 at a look (one every 32 images), and not above 0.05 since.' }), // prettier-ignore
    anomalous_share: z.number(),
    mean_p_value: z.number().optional(),
    scale_shifts: z
      .array(z.number())
      .optional()
      .meta({ description: 'Of every scale of features, the finest first: mean log-likelihood of recent images against held-out good ones, in deviations of single positions; what is unusual lies below 0.' }), // prettier-ignore
    scale_p_values: z
      .array(z.number())
      .optional()
      .meta({ description: 'Probability of a shift at least as large without drift, of every scale (Student’s t).' }), // prettier-ignore
    adjusted_p_value: z
      .number()
      .optional()
      .meta({ description: 'The least of p_value and scale_p_values, times how many they are: what decides.' }), // prettier-ignore
    expected_false_positive_rate: z.number().optional(),
  })
  .meta({ id: 'Drift' })

const byId = z.object({ id: nameSchema })
const byVersion = z.object({ id: nameSchema, version: versionSchema })
const tags = ['detectors']
const none = z.null().meta({ description: 'It is done.' })

/** Detectors and their versions. */
export async function detectorRoutes(base: FastifyInstance, context: ServerContext): Promise<void> {
  const { state, storage, config, detectors, drift } = context
  await base.register(multipart, {
    limits: { fileSize: config.maxModelBytes, files: 1, fields: 10, fieldSize: 1000 },
  })
  // uploads go to the disk as they come
  base.addContentTypeParser('application/octet-stream', (_request, payload, done) =>
    done(null, payload),
  )
  const app = base.withTypeProvider<ZodTypeProvider>()

  const describe = async (record: DetectorRecord) => ({
    id: record.id,
    created_at: iso(record.createdAt),
    ...(record.active !== undefined && { active_version: record.active }),
    versions: (await state.detectors.versions(record.id)).length,
  })
  const detectorOf = async (id: string) => found(await state.detectors.get(id), 'detector', id)
  const versionOf = async (id: string, version: number) =>
    found(await state.detectors.version(id, version), 'detector', `${id}, version ${version}`)
  /** Removes bytes that no record names any more. */
  const discard = async (keys: readonly string[]) => {
    for (const key of keys) await storage.remove(key)
  }

  app.get(
    '/v1/detectors',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List detectors',
        tags,
        response: answers({ 200: z.object({ detectors: z.array(detectorBody) }) }),
      },
    },
    async () => ({ detectors: await Promise.all((await state.detectors.list()).map(describe)) }),
  )
  app.get(
    '/v1/detectors/:id',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'A detector and its versions',
        tags,
        params: byId,
        response: answers(
          { 200: detectorBody.extend({ versions: z.array(versionBody) }).meta({ id: 'DetectorWithVersions' }) }, // prettier-ignore
          404,
        ),
      },
    },
    async ({ params: { id } }) => {
      const record = await detectorOf(id)
      const versions = await state.detectors.versions(id)
      return {
        ...(await describe(record)),
        versions: versions.map((v) => describeVersion(v, record.active)),
      }
    },
  )
  app.post(
    '/v1/detectors/:id/versions',
    {
      bodyLimit: config.maxModelBytes,
      config: {
        scope: 'admin',
        streams: true,
        bodies: {
          'application/octet-stream': { type: 'string', format: 'binary' },
          'multipart/form-data': {
            type: 'object',
            required: ['file'],
            properties: { file: { type: 'string', format: 'binary' } },
          },
        },
      },
      schema: {
        summary: 'Upload a detector file as a new version; it is run once before it is accepted',
        tags,
        params: byId,
        querystring: z.object({
          activate: z
            .enum(['true', 'false'])
            .default('true')
            .meta({ description: 'Whether it answers from now on.' }),
          sha256: z
            .string()
            .regex(/^[0-9a-fA-F]{64}$/, 'is 64 hexadecimal digits')
            .optional(),
        }),
        response: answers({ 201: versionBody }, 422),
      },
    },
    async (request, reply) => {
      const { id } = request.params
      const { activate, sha256 } = request.query
      const file = request.isMultipart()
        ? (await readingParts(() => request.file()))?.file
        : request.body
      if (!(file instanceof Readable))
        throw new CflowError('USAGE', 'the body holds no file', { subject: 'body' })
      const record = await addDetector(context, id, file, { activate: activate === 'true', digest: sha256 }) // prettier-ignore
      const { active } = await detectorOf(id)
      return reply.code(201).send(describeVersion(record, active))
    },
  )
  app.get(
    '/v1/detectors/:id/versions/:version',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'One version',
        tags,
        params: byVersion,
        response: answers({ 200: versionBody }, 404),
      },
    },
    async ({ params: { id, version } }) =>
      describeVersion(await versionOf(id, version), (await detectorOf(id)).active),
  )
  app.get(
    '/v1/detectors/:id/versions/:version/manifest',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'What the file says of itself, without its calibration scores',
        tags,
        params: byVersion,
        response: answers({ 200: z.record(z.string(), z.unknown()) }, 404),
      },
    },
    async ({ params: { id, version } }) => ({ ...(await versionOf(id, version)).summary }),
  )
  app.get(
    '/v1/detectors/:id/versions/:version/file',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Download the file',
        tags,
        params: byVersion,
        response: answers({ 200: binary('The ONNX file.', 'application/octet-stream') }, 404),
      },
    },
    async ({ params: { id, version } }, reply) => {
      const { key, bytes, digest } = await versionOf(id, version)
      const content = Readable.from(await storage.read(key))
      return reply
        .type('application/octet-stream')
        .header('content-length', bytes)
        .header('etag', `"${digest}"`)
        .header('content-disposition', `attachment; filename="${id}-${version}.onnx"`)
        .send(content)
    },
  )
  app.post(
    '/v1/detectors/:id/versions/:version/activate',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Let a version answer from now on',
        tags,
        params: byVersion,
        response: answers({ 200: detectorBody }, 404),
      },
    },
    async ({ params: { id, version } }) => {
      await detectorOf(id)
      found((await state.detectors.activate(id, version)) || undefined, 'detector', `${id}, version ${version}`) // prettier-ignore
      detectors.forget(id)
      return describe(await detectorOf(id))
    },
  )
  app.post(
    '/v1/detectors/:id/roll-back',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Activate again the version that was active before',
        tags,
        params: byId,
        response: answers({ 200: detectorBody }, 404, 409),
      },
    },
    async ({ params: { id } }) => {
      await detectorOf(id)
      const record = await state.detectors.rollBack(id)
      if (!record)
        throw new CflowError('CONFLICT', `no version of ${id} was active before`, { subject: id })
      detectors.forget(id)
      return describe(record)
    },
  )
  app.delete(
    '/v1/detectors/:id/versions/:version',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Delete a version that is not active',
        tags,
        params: byVersion,
        response: answers({ 204: none }, 404, 409),
      },
    },
    async ({ params: { id, version } }, reply) => {
      const { active } = await detectorOf(id)
      await versionOf(id, version)
      if (active === version)
        throw new CflowError('CONFLICT', `version ${version} of ${id} is active`, {
          subject: id,
          hint: 'activate another one first, or delete the detector',
        })
      await discard((await state.detectors.removeVersion(id, version)) ?? [])
      detectors.forget(id)
      return reply.code(204).send(null)
    },
  )
  app.delete(
    '/v1/detectors/:id',
    {
      config: { scope: 'admin' },
      schema: {
        summary: 'Delete a detector with all versions',
        tags,
        params: byId,
        response: answers({ 204: none }, 404),
      },
    },
    async ({ params: { id } }, reply) => {
      await discard(found(await state.detectors.remove(id), 'detector', id))
      detectors.forget(id)
      return reply.code(204).send(null)
    },
  )
  app.get(
    '/v1/detectors/:id/drift',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'Recent images of the active version against those of its calibration',
        tags,
        params: byId,
        response: answers({ 200: driftBody }, 404, 409),
      },
    },
    async ({ params: { id } }) => {
      const { record } = await detectors.find(id)
      const {
        images,
        distance,
        pValue,
        drifting,
        anomalous,
        meanPValue,
        scaleShifts,
        scalePValues,
        adjustedPValue,
      } = drift.status(
        // prettier-ignore
        id,
        record.version,
        calibrationImages(record),
      )
      const { falsePositiveRate } = calibrationOf(record)
      return {
        ...{ detector: id, version: record.version, images, drifting },
        ...(distance !== undefined && { distance, p_value: pValue }),
        anomalous_share: anomalous,
        ...(scaleShifts && { scale_shifts: [...scaleShifts] }),
        ...(scalePValues && { scale_p_values: [...scalePValues] }),
        ...(adjustedPValue !== undefined && { adjusted_p_value: adjustedPValue }),
        ...(meanPValue !== undefined && { mean_p_value: meanPValue }),
        ...(falsePositiveRate !== undefined && { expected_false_positive_rate: falsePositiveRate }),
      }
    },
  )
}

const iso = (at: number): string => new Date(at).toISOString()

const calibrationOf = ({ summary }: VersionRecord) =>
  (summary['calibration'] ?? {}) as {
    readonly threshold?: number
    readonly falsePositiveRate?: number
  }

function describeVersion(record: VersionRecord, active: number | undefined) {
  const { detector, version, createdAt, digest, bytes, source, summary } = record
  const { method, category, encoder, inputSize } = summary as {
    readonly method?: string
    readonly category?: string
    readonly encoder?: { readonly name: string }
    readonly inputSize?: number
  }
  const { threshold, falsePositiveRate } = calibrationOf(record)
  return {
    ...{ detector, version, active: version === active },
    created_at: iso(createdAt),
    ...{ sha256: digest, bytes, source: { ...source } },
    ...(method !== undefined && { method }),
    ...(category !== undefined && { category }),
    ...(encoder !== undefined && { encoder: encoder.name }),
    ...(inputSize !== undefined && { input_size: inputSize }),
    ...(threshold !== undefined && { threshold }),
    ...(falsePositiveRate !== undefined && { false_positive_rate: falsePositiveRate }),
    calibration_images: calibrationImages(record),
  }
}

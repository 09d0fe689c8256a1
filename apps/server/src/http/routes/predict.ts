import { CflowError } from '@cflow/base'
import multipart, { type MultipartFile } from '@fastify/multipart'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { Prediction } from '../../engine/engine.js'
import type { ServerContext } from '../context.js'
import { judge, type Resolved } from '../detectors.js'
import { fetchImage } from '../fetch-image.js'
import { readingParts } from '../parts.js'
import {
  bytesOfFloats,
  includesOf,
  plainPrediction,
  predictQuery,
  predictionSchema,
  type Include,
} from '../prediction.js'
import { answers, errorSchema, nameSchema, versionSchema } from '../schemas.js'

const named = { detector: z.string(), version: z.int() }
const failedSchema = z
  .object({ name: z.string().optional(), error: errorSchema.shape.error.omit({ requestId: true }) })
  .meta({ id: 'FailedImage', description: 'One image of several that could not be judged.' })
const oneSchema = predictionSchema.extend(named).meta({ id: 'OnePrediction' })
const manySchema = z
  .object({ ...named, predictions: z.array(z.union([predictionSchema, failedSchema])) })
  .meta({ id: 'Predictions' })

const imageSchema = z.strictObject({
  name: z.string().max(1000).optional(),
  base64: z.string().min(1).optional().meta({ description: 'An encoded image.' }),
  url: z.string().min(1).max(4000).optional().meta({ description: 'Where the server allows it.' }),
})
const bodySchema = z.union([imageSchema, z.strictObject({ images: z.array(imageSchema).min(1) })])

/** Images of a request, encoded. */
interface Sent {
  readonly name?: string | undefined
  readonly bytes: Uint8Array
}

/** Detection. */
export async function predictRoutes(base: FastifyInstance, context: ServerContext): Promise<void> {
  const { config, detectors } = context
  await base.register(multipart, {
    limits: {
      fileSize: config.maxImageBytes,
      files: config.maxImages,
      fields: 20,
      fieldSize: 1000,
      parts: config.maxImages + 20,
    },
  })
  // whatever else is sent is taken for an image: what it is, its bytes tell
  base.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  const app = base.withTypeProvider<ZodTypeProvider>()

  const handler = async (
    request: FastifyRequest,
    reply: FastifyReply,
    id: string,
    version: number | undefined,
    query: z.output<typeof predictQuery>,
  ) => {
    const { threshold, false_positive_rate: falsePositiveRate } = query
    if (threshold !== undefined && falsePositiveRate !== undefined)
      throw new CflowError('USAGE', 'give false_positive_rate or threshold, not both', { subject: 'threshold' }) // prettier-ignore
    const kind = answerKind(request)
    const include = new Set(includesOf(query.include))
    if (kind === 'image/png' && include.size === 0) include.add('heat_map')
    if (kind === 'application/octet-stream') include.add('anomaly_map')
    const resolved = await detectors.find(id, version)
    const { images, isList } = await imagesOf(request, query.name)
    if (kind !== 'application/json' && images.length > 1)
      throw new CflowError('NOT_ACCEPTABLE', `${kind} answers one image, not ${images.length}`, { subject: 'accept' }) // prettier-ignore
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const predict = ({ bytes, name }: Sent) =>
      judge(
        context,
        resolved,
        { encoded: bytes },
        {
          falsePositiveRate,
          threshold,
          wanted: {
            regions: true,
            heatMap: include.has('heat_map'),
            mask: include.has('mask'),
            map: include.has('anomaly_map'),
          },
        },
        { requestId: request.id, image: name, signal: gone.signal },
      )
    const about = { detector: id, version: resolved.record.version }
    if (!isList) {
      const [image] = images
      const prediction = await predict(image!)
      if (kind !== 'application/json') return sendBytes(reply, kind, include, prediction, resolved)
      return reply.send({ ...about, ...plainPrediction(prediction, image!.name) })
    }
    const settled = await Promise.allSettled(images.map(predict))
    const predictions = settled.map((result, i) => {
      const { name } = images[i]!
      if (result.status === 'fulfilled') return plainPrediction(result.value, name)
      const error: unknown = result.reason
      // what is wrong with one image is told there; what is wrong with all, of the request
      if (!(error instanceof CflowError) || error.code !== 'IMAGE') throw error
      const { code, message, hint } = error
      return { ...(name !== undefined && { name }), error: { code, message, ...(hint !== undefined && { hint }) } } // prettier-ignore
    })
    return reply.send({ ...about, predictions })
  }

  const imagesOf = async (
    request: FastifyRequest,
    name: string | undefined,
  ): Promise<{ readonly images: readonly Sent[]; readonly isList: boolean }> => {
    if (request.isMultipart()) return { images: await multipartImages(request), isList: true }
    const { body } = request
    if (Buffer.isBuffer(body)) {
      if (body.length === 0) throw noImage()
      checkBytes(body.length)
      return { images: [{ name, bytes: body }], isList: false }
    }
    if (body === undefined || body === null) throw noImage()
    const parsed = bodySchema.safeParse(body)
    if (!parsed.success)
      throw new CflowError('USAGE', 'the body is neither {"base64": …}, {"url": …} nor {"images": [those]}', { subject: 'body' }) // prettier-ignore
    const isList = 'images' in parsed.data
    const list = 'images' in parsed.data ? parsed.data.images : [parsed.data]
    if (list.length > config.maxImages)
      throw new CflowError('TOO_LARGE', `more than ${config.maxImages} images in one request`, { subject: 'images' }) // prettier-ignore
    const images: Sent[] = []
    for (const image of list) images.push({ name: image.name ?? name, bytes: await bytesOf(image) })
    return { images, isList }
  }

  const bytesOf = async ({ base64, url }: z.output<typeof imageSchema>): Promise<Uint8Array> => {
    if ((base64 === undefined) === (url === undefined))
      throw new CflowError('USAGE', 'an image has base64 or url, one of them', {
        subject: 'images',
      })
    if (base64 !== undefined) {
      const text = base64.replace(/^data:[\w/+.-]*;base64,/, '')
      if (!/^[A-Za-z0-9+/\s_-]*={0,2}\s*$/.test(text))
        throw new CflowError('USAGE', 'this is not base64', { subject: 'base64' })
      const bytes = Buffer.from(text, 'base64')
      if (bytes.length === 0) throw noImage()
      checkBytes(bytes.length)
      return bytes
    }
    if (!config.allowUrls)
      throw new CflowError('FORBIDDEN', 'this server fetches no images from addresses', {
        subject: 'url',
        hint: 'send the image itself; `cflow serve --allow-urls` allows public addresses',
      })
    return fetchImage(url!, config.maxImageBytes)
  }

  const multipartImages = async (request: FastifyRequest): Promise<Sent[]> => {
    const images: Sent[] = []
    let total = 0
    await readingParts(async () => {
      for await (const file of request.files() as AsyncIterable<MultipartFile>) {
        const bytes = await file.toBuffer()
        total += bytes.length
        if (total > config.maxQueueBytes)
          throw new CflowError('TOO_LARGE', `the images are larger than ${config.maxQueueBytes} bytes together`, { subject: 'body' }) // prettier-ignore
        if (bytes.length > 0) images.push({ name: file.filename?.slice(0, 1000), bytes })
      }
    })
    if (images.length === 0) throw noImage()
    return images
  }

  const checkBytes = (bytes: number): void => {
    if (bytes > config.maxImageBytes)
      throw new CflowError('TOO_LARGE', `the image is larger than ${config.maxImageBytes} bytes`, { subject: 'image' }) // prettier-ignore
  }

  const options = {
    bodyLimit: Math.ceil(1.4 * config.maxImageBytes) + 65_536,
    config: {
      scope: 'predict',
      bodies: {
        'image/*': { type: 'string', format: 'binary' },
        'application/octet-stream': { type: 'string', format: 'binary' },
        'application/json': bodySchema,
        'multipart/form-data': {
          type: 'object',
          properties: {
            images: { type: 'array', items: { type: 'string', format: 'binary' } },
          },
        },
      },
    },
  } as const
  const response = answers(
    {
      200: {
        description: 'The verdict: of one image, or of several in their order.',
        content: {
          'application/json': { schema: z.union([manySchema, oneSchema]) },
          'image/png': { schema: z.any() },
          'application/octet-stream': { schema: z.any() },
        },
      } as unknown as z.ZodType,
    },
    404,
    406,
    409,
    422,
    502,
  )
  const summary = 'Judge one or many images'
  const description =
    'The body is an image (any type but the others), multipart/form-data with files, or JSON with base64 or url. With Accept: image/png the answer is the heat map (or with include=mask the mask), with application/octet-stream the anomaly map in float32; its verdict is in headers.'
  const tags = ['detection']
  app.post(
    '/v1/detectors/:id/predict',
    {
      ...options,
      schema: {
        ...{ summary, description, tags, response },
        params: z.object({ id: nameSchema }),
        querystring: predictQuery,
      },
    },
    (request, reply) => {
      const { version, ...query } = request.query
      return handler(request, reply, request.params.id, version, query)
    },
  )
  app.post(
    '/v1/detectors/:id/versions/:version/predict',
    {
      ...options,
      schema: {
        ...{ summary: `${summary} by one version`, description, tags, response },
        params: z.object({ id: nameSchema, version: versionSchema }),
        querystring: predictQuery.omit({ version: true }),
      },
    },
    (request, reply) => {
      const { id, version } = request.params
      return handler(request, reply, id, version, request.query)
    },
  )
}

const noImage = () =>
  new CflowError('USAGE', 'the request holds no image', {
    subject: 'body',
    hint: 'send an image as the body, as files of multipart/form-data, or as JSON with base64',
  })

const kinds = ['application/json', 'image/png', 'application/octet-stream'] as const

/** What `Accept` asks for; JSON where it asks for nothing. @throws CflowError NOT_ACCEPTABLE */
function answerKind(request: FastifyRequest): (typeof kinds)[number] {
  const { accept = '*/*' } = request.headers
  const ranges = accept
    .split(',')
    .map((part) => {
      const [range = '', ...parameters] = part.trim().toLowerCase().split(';')
      const q = parameters.map((p) => /^\s*q=([\d.]+)/.exec(p)?.[1]).find((v) => v !== undefined)
      return { range: range.trim(), q: q === undefined ? 1 : Number(q) }
    })
    .filter(({ q }) => q > 0)
    .sort((a, b) => b.q - a.q)
  for (const { range } of ranges) {
    const [first] = range.split('/')
    const kind = kinds.find(
      (k) => range === '*/*' || range === k || range === `${k.split('/')[0]}/*`,
    )
    if (kind && first !== undefined) return kind
  }
  throw new CflowError('NOT_ACCEPTABLE', `the answer is ${kinds.join(' or ')}`, {
    subject: 'accept',
  })
}

function sendBytes(
  reply: FastifyReply,
  kind: 'image/png' | 'application/octet-stream',
  include: ReadonlySet<Include>,
  prediction: Prediction,
  { record }: Resolved,
) {
  const { score, threshold, anomalous, pValue, map, mask, heatMap } = prediction
  void reply
    .type(kind)
    .header('x-anomaly-score', score)
    .header('x-anomaly-threshold', threshold)
    .header('x-is-anomalous', String(anomalous))
    .header('x-p-value', pValue)
    .header('x-detector-version', record.version)
  if (kind === 'image/png') {
    const png = include.has('heat_map') ? heatMap! : mask!
    return reply.send(Buffer.from(png.buffer, png.byteOffset, png.length))
  }
  void reply.header('x-map-width', map!.width).header('x-map-height', map!.height)
  return reply.send(bytesOfFloats(map!.data))
}

import { CflowError } from '@cflow/base'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { EngineImage, Prediction } from '../../engine/engine.js'
import type { ServerContext } from '../context.js'
import { judge, type Resolved } from '../detectors.js'
import { asCflowError, statusOf } from '../errors.js'
import { nameSchema, versionSchema } from '../schemas.js'
import { bad, frame, readBytes, readStrings, unframe, type OutputTensor } from './tensors.js'

const errorSchema = z
  .object({ error: z.string(), code: z.string(), requestId: z.string() })
  .meta({ id: 'InferenceError', description: 'What went wrong.' })
const errors = Object.fromEntries(
  [400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503].map((s) => [s, errorSchema]),
) as Readonly<Record<number, typeof errorSchema>>

const tensorSchema = z.object({
  name: z.string(),
  datatype: z.string(),
  shape: z.array(z.int()),
})
const metadataSchema = z
  .object({
    name: z.string(),
    versions: z.array(z.string()),
    platform: z.string(),
    inputs: z.array(tensorSchema),
    outputs: z.array(tensorSchema),
  })
  .meta({ id: 'ModelMetadata' })

const parameters = z.record(z.string(), z.unknown()).optional()
const inferSchema = z.object({
  id: z.string().max(1000).optional(),
  parameters,
  inputs: z
    .array(
      z.object({
        name: z.string(),
        datatype: z.string(),
        shape: z.array(z.int().nonnegative()).min(1).max(4),
        parameters,
        data: z.unknown().optional(),
      }),
    )
    .min(1)
    .max(1),
  outputs: z
    .array(z.object({ name: z.string(), parameters }))
    .max(10)
    .optional(),
})
type Infer = z.output<typeof inferSchema>

const outputNames = ['score', 'anomaly_map', 'anomalous'] as const
type OutputName = (typeof outputNames)[number]

const tags = ['open inference protocol']
const flag = z.object({ live: z.boolean().optional(), ready: z.boolean().optional() })

/** The Open Inference Protocol, version 2, as KServe, Triton and the OpenVINO Model Server speak it. */
export function openInference(base: FastifyInstance, context: ServerContext): void {
  const { config, state, engine, detectors } = context
  // its clients expect a text; the code is beside it
  base.setErrorHandler((error, request, reply) => {
    const known = asCflowError(error)
    const status = statusOf(known.code)
    if (status >= 500 && !reply.raw.destroyed) request.log.error({ err: error }, 'request failed')
    if (status === 429 || status === 503) void reply.header('retry-after', '1')
    if (status === 401) void reply.header('www-authenticate', 'Bearer')
    return reply
      .code(status)
      .type('application/json; charset=utf-8')
      .serializer((body: unknown) => JSON.stringify(body))
      .send({ error: known.message, code: known.code, requestId: request.id })
  })
  base.removeAllContentTypeParsers()
  base.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  const app = base.withTypeProvider<ZodTypeProvider>()

  const isReady = () => engine.status().ready > 0
  app.get('/v2', { config: { scope: 'public' }, schema: { summary: 'What this server is', tags, response: { 200: z.object({ name: z.string(), version: z.string(), extensions: z.array(z.string()) }), ...errors } } }, () => ({ name: 'cflow', version: '0.1.0', extensions: ['binary_tensor_data', 'model_repository'] })) // prettier-ignore
  app.get('/v2/health/live', { config: { scope: 'public' }, schema: { summary: 'Whether the server lives', tags, response: { 200: flag, ...errors } } }, () => ({ live: true })) // prettier-ignore
  app.get(
    '/v2/health/ready',
    { config: { scope: 'public' }, schema: { summary: 'Whether it can infer', tags, response: { ...errors, 200: flag, 503: flag } } }, // prettier-ignore
    async (_request, reply) => reply.code(isReady() ? 200 : 503).send({ ready: isReady() }),
  )
  app.post(
    '/v2/repository/index',
    {
      config: { scope: 'read' },
      schema: {
        summary: 'List models',
        tags,
        response: {
          ...errors,
          200: z.array(z.object({ name: z.string(), version: z.string(), state: z.string(), reason: z.string() })), // prettier-ignore
        },
      },
    },
    async () =>
      (await state.detectors.list()).flatMap(({ id, active }) =>
        active === undefined
          ? []
          : [{ name: id, version: String(active), state: 'READY', reason: '' }],
      ),
  )

  const metadata = async (id: string, version: number | undefined) => {
    const resolved = await detectors.find(id, version)
    const versions =
      version === undefined ? (await state.detectors.versions(id)).map((v) => v.version) : [version]
    return {
      name: id,
      versions: versions.map(String),
      platform: 'onnxruntime_onnx',
      inputs: [{ name: 'image', datatype: 'UINT8', shape: [-1, -1, -1, 3] }],
      outputs: [
        { name: 'score', datatype: 'FP32', shape: [-1] },
        { name: 'anomaly_map', datatype: 'FP32', shape: [-1, resolved.inputSize, resolved.inputSize] }, // prettier-ignore
        { name: 'anomalous', datatype: 'BOOL', shape: [-1] },
      ],
    }
  }

  const infer = async (
    request: FastifyRequest,
    reply: FastifyReply,
    id: string,
    version: number | undefined,
  ) => {
    const { headers, body } = request
    if (!Buffer.isBuffer(body)) throw bad('the request has no body', 'body')
    const { json, rest } = unframe(body, headers['inference-header-content-length'] as string | undefined) // prettier-ignore
    const parsed = inferSchema.safeParse(json)
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      throw bad(`${issue!.path.join('.') || 'the body'}: ${issue!.message}`, 'body')
    }
    const asked = parsed.data
    const wanted = outputsOf(asked)
    const resolved = await detectors.find(id, version)
    const images = imagesOf(asked, rest, config.maxImages)
    const rate = optionOf(asked, 'false_positive_rate')
    const threshold = optionOf(asked, 'threshold')
    if (rate !== undefined && threshold !== undefined)
      throw bad('give false_positive_rate or threshold, not both', 'parameters')
    const map = wanted.some(({ name }) => name === 'anomaly_map')
    const gone = new AbortController()
    reply.raw.once('close', () => gone.abort())
    const predictions = await Promise.all(
      images.map((image) =>
        judge(
          context,
          resolved,
          image,
          { falsePositiveRate: rate, threshold, wanted: { map } },
          { requestId: request.id, image: asked.id, signal: gone.signal },
        ),
      ),
    )
    const outputs = wanted.map(({ name, binary }) => ({
      ...outputOf(name, predictions, resolved),
      binary,
    }))
    const head = {
      model_name: id,
      model_version: String(resolved.record.version),
      ...(asked.id !== undefined && { id: asked.id }),
    }
    const { body: answer, headerLength } = frame(head, outputs)
    if (headerLength !== undefined)
      void reply.header('inference-header-content-length', headerLength)
    return reply
      .type(headerLength === undefined ? 'application/json' : 'application/octet-stream')
      .send(answer)
  }

  const options = {
    bodyLimit: config.maxQueueBytes,
    config: {
      scope: 'predict',
      bodies: {
        'application/json': inferSchema,
      },
    },
  } as const
  const inferred = {
    description: 'JSON, or JSON and binary tensors after it.',
    content: {
      'application/json': {
        schema: z.object({
          model_name: z.string(),
          model_version: z.string(),
          id: z.string().optional(),
          outputs: z.array(tensorSchema.extend({ data: z.array(z.union([z.number(), z.boolean()])).optional() })), // prettier-ignore
        }),
      },
      'application/octet-stream': { schema: z.any() },
    },
  } as unknown as z.ZodType
  for (const path of ['/v2/models/:model', '/v2/models/:model/versions/:version'] as const) {
    const params = path.endsWith(':version')
      ? z.object({ model: nameSchema, version: versionSchema })
      : z.object({ model: nameSchema })
    const named = (request: FastifyRequest) => request.params as { readonly model: string; readonly version?: number } // prettier-ignore
    app.get(path, { config: { scope: 'read' }, schema: { summary: 'Inputs and outputs of a model', tags, params, response: { ...errors, 200: metadataSchema } } }, (request) => metadata(named(request).model, named(request).version)) // prettier-ignore
    app.get(
      `${path}/ready`,
      { config: { scope: 'read' }, schema: { summary: 'Whether a model can be used', tags, params, response: { ...errors, 200: flag.extend({ name: z.string() }), 503: errorSchema } } }, // prettier-ignore
      async (request) => {
        const { model, version } = named(request)
        await detectors.find(model, version)
        if (!isReady()) throw new CflowError('UNAVAILABLE', 'no worker is ready')
        return { name: model, ready: true }
      },
    )
    app.post(
      `${path}/infer`,
      { ...options, schema: { summary: 'Infer: image is UINT8 [N, H, W, 3] or encoded images as BYTES [N]', description: 'With Inference-Header-Content-Length, tensors follow the JSON as bytes (binary tensor extension).', tags, params, response: { ...errors, 200: inferred } } }, // prettier-ignore
      (request, reply) => infer(request, reply, named(request).model, named(request).version),
    )
  }
}

/** What is answered: all where nothing is said. */
function outputsOf({ outputs, parameters }: Infer) {
  const all = outputs && outputs.length > 0 ? outputs : outputNames.map((name) => ({ name, parameters: undefined })) // prettier-ignore
  const otherwise = parameters?.['binary_data_output'] === true
  return all.map(({ name, parameters }) => {
    if (!(outputNames as readonly string[]).includes(name))
      throw bad(`there is no output ${name}; there are ${outputNames.join(', ')}`, 'outputs')
    const said = parameters?.['binary_data']
    return { name: name as OutputName, binary: typeof said === 'boolean' ? said : otherwise }
  })
}

function optionOf({ parameters }: Infer, name: 'threshold' | 'false_positive_rate') {
  const value = parameters?.[name]
  if (value === undefined) return undefined
  const number = Number(value)
  if (!Number.isFinite(number) || (name !== 'threshold' && !(number > 0 && number < 1)))
    throw bad(`${name} is ${name === 'threshold' ? 'a number' : 'between 0 and 1'}`, name)
  return number
}

function imagesOf({ inputs }: Infer, rest: Buffer, maximum: number): readonly EngineImage[] {
  const { name, datatype, shape, parameters = {}, data } = inputs[0]!
  if (name !== 'image') throw bad(`there is no input ${name}; there is image`, 'inputs')
  const [count = 0] = shape
  if (count < 1) throw bad('image has no elements', 'image')
  if (count > maximum)
    throw new CflowError('TOO_LARGE', `more than ${maximum} images in one request`, { subject: 'image' }) // prettier-ignore
  const size = parameters['binary_data_size']
  const binary = size === undefined ? undefined : rest
  if (binary && size !== binary.length)
    throw bad(`binary_data_size says ${String(size)} bytes, there are ${binary.length}`, 'image')
  if (datatype === 'BYTES') {
    const elements = shape.reduce((product, n) => product * n, 1)
    if (elements !== count) throw bad('image as BYTES has the shape [N] or [N, 1]', 'image')
    const encoded = binary ? readStrings(binary, count) : (Array.isArray(data) ? data.flat(2) : []).map(fromText) // prettier-ignore
    if (encoded.length !== count) throw bad(`image holds not ${count} elements`, 'image')
    return encoded.map((encoded) => ({ encoded }))
  }
  if (datatype !== 'UINT8') throw bad('image is UINT8 or BYTES', 'image')
  const [, height = 0, width = 0, channels] = shape
  if (shape.length !== 4 || channels !== 3 || height < 1 || width < 1)
    throw bad('image as UINT8 has the shape [N, height, width, 3]', 'image')
  const one = height * width * 3
  // refused before memory is taken for it
  if (count * one > 2 ** 30)
    throw new CflowError('TOO_LARGE', 'the images have more than 2^30 bytes', { subject: 'image' })
  if (binary && binary.length !== count * one)
    throw bad(`the shape asks for ${count * one} bytes, there are ${binary.length}`, 'image')
  const pixels = binary ?? readBytes(data, count * one)
  return Array.from({ length: count }, (_, i) => ({
    ...{ width, height },
    data: pixels.subarray(i * one, (i + 1) * one),
  }))
}

/** JSON has no bytes: an encoded image in it is base64. */
function fromText(text: unknown): Buffer {
  const bytes = typeof text === 'string' ? Buffer.from(text, 'base64') : Buffer.alloc(0)
  if (bytes.length === 0) throw bad('an element of BYTES in JSON is base64', 'image')
  return bytes
}

function outputOf(
  name: OutputName,
  predictions: readonly Prediction[],
  { inputSize }: Resolved,
): OutputTensor {
  const n = predictions.length
  if (name === 'score')
    return { name, datatype: 'FP32', shape: [n], data: Float32Array.from(predictions, (p) => p.score) } // prettier-ignore
  if (name === 'anomalous')
    return { name, datatype: 'BOOL', shape: [n], data: Uint8Array.from(predictions, (p) => Number(p.anomalous)) } // prettier-ignore
  const data = new Float32Array(n * inputSize * inputSize)
  for (const [i, { map }] of predictions.entries()) data.set(map!.data, i * inputSize * inputSize)
  return { name, datatype: 'FP32', shape: [n, inputSize, inputSize], data }
}

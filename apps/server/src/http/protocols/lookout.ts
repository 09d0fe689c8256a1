import { CflowError, type ErrorCode } from '@cflow/base'
import type { FastifyInstance } from 'fastify'
import type { ZodTypeProvider } from 'fastify-type-provider-zod'
import * as z from 'zod'
import type { ServerContext } from '../context.js'
import { judge } from '../detectors.js'
import { asCflowError, statusOf } from '../errors.js'
import { nameSchema } from '../schemas.js'

/** What the AWS SDK knows errors by. */
const kindOf = (code: ErrorCode, status: number): string =>
  status === 401 || status === 403
    ? 'AccessDeniedException'
    : status === 404
      ? 'ResourceNotFoundException'
      : status === 409
        ? 'ConflictException'
        : code === 'OVERLOADED' || code === 'RATE_LIMITED'
          ? 'ThrottlingException'
          : status >= 500
            ? 'InternalServerException'
            : 'ValidationException'

const errorSchema = z
  .object({ Message: z.string(), Code: z.string(), RequestId: z.string() })
  .meta({ id: 'LookoutError', description: 'What went wrong; x-amzn-errortype names its kind.' })
const errors = Object.fromEntries(
  [400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 500, 503].map((s) => [s, errorSchema]),
) as Readonly<Record<number, typeof errorSchema>>

const resultSchema = z
  .object({
    DetectAnomalyResult: z.object({
      Source: z.object({ Type: z.literal('direct') }),
      IsAnomalous: z.boolean(),
      Confidence: z.number().meta({
        description: '1 − p-value of an image called anomalous, the p-value of another one.',
      }),
      Anomalies: z.array(
        z.object({
          Name: z.string(),
          PixelAnomaly: z.object({ TotalPercentageArea: z.number(), Color: z.string() }),
        }),
      ),
      AnomalyMask: z.string().meta({ description: 'PNG, base64.' }),
    }),
  })
  .meta({ id: 'LookoutResult' })

/** The endpoint DetectAnomalies of AWS Lookout for Vision; projects are detectors, models their versions. */
export function lookout(base: FastifyInstance, context: ServerContext): void {
  const { config, detectors } = context
  base.setErrorHandler((error, request, reply) => {
    const known = asCflowError(error)
    const status = statusOf(known.code)
    if (status >= 500 && !reply.raw.destroyed) request.log.error({ err: error }, 'request failed')
    if (status === 429 || status === 503) void reply.header('retry-after', '1')
    return reply
      .code(status)
      .type('application/json')
      .header('x-amzn-errortype', kindOf(known.code, status))
      .header('x-amzn-requestid', request.id)
      .serializer((body: unknown) => JSON.stringify(body))
      .send({ Message: known.message, Code: known.code, RequestId: request.id })
  })
  base.removeAllContentTypeParsers()
  base.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body))
  base.withTypeProvider<ZodTypeProvider>().post(
    '/2020-11-20/projects/:project/models/:model/detect',
    {
      bodyLimit: config.maxImageBytes,
      config: {
        scope: 'predict',
        bodies: {
          'image/png': { type: 'string', format: 'binary' },
          'image/jpeg': { type: 'string', format: 'binary' },
        },
      },
      schema: {
        summary: 'DetectAnomalies of AWS Lookout for Vision',
        description: 'The model is a version’s number, or latest for the active one.',
        tags: ['aws lookout for vision'],
        params: z.object({
          project: nameSchema,
          model: z.string().regex(/^(latest|[1-9]\d{0,8})$/, 'is a number or latest'),
        }),
        response: { ...errors, 200: resultSchema },
      },
    },
    async (request, reply) => {
      const { project, model } = request.params
      const body: unknown = request.body
      if (!Buffer.isBuffer(body) || body.length === 0)
        throw new CflowError('USAGE', 'the body holds no image', { subject: 'body' })
      const resolved = await detectors.find(project, model === 'latest' ? undefined : Number(model))
      const gone = new AbortController()
      reply.raw.once('close', () => gone.abort())
      const { anomalous, pValue, regions, width, height, mask } = await judge(
        context,
        resolved,
        { encoded: body },
        { wanted: { mask: true, regions: true } },
        { requestId: request.id, signal: gone.signal },
      )
      const area = Math.min(1, regions!.reduce((sum, r) => sum + r.area, 0) / (width * height))
      const part = (Name: string, TotalPercentageArea: number, Color: string) => ({ Name, PixelAnomaly: { TotalPercentageArea, Color } }) // prettier-ignore
      return reply.header('x-amzn-requestid', request.id).send({
        DetectAnomalyResult: {
          Source: { Type: 'direct' as const },
          IsAnomalous: anomalous,
          Confidence: Math.max(0, Math.min(1, anomalous ? 1 - pValue : pValue)),
          Anomalies: [
            part('background', 1 - area, '#000000'),
            ...(area > 0 ? [part('anomaly', area, '#FFFFFF')] : []),
          ],
          AnomalyMask: Buffer.from(mask!.buffer, mask!.byteOffset, mask!.length).toString('base64'),
        },
      })
    },
  )
}

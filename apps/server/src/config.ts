import { CflowError, issueText } from '@cflow/base'
import * as z from 'zod'

/** Number of bytes, or text such as `64MB`. */
const bytes = z
  .union([z.int(), z.string()])
  .transform((value, context) => {
    if (typeof value === 'number') return value
    const [, number, unit = ''] = /^(\d+)\s*([KMG]?)i?B?$/i.exec(value.trim()) ?? []
    if (number !== undefined)
      return Number(number) * ({ K: 2 ** 10, M: 2 ** 20, G: 2 ** 30 }[unit.toUpperCase()] ?? 1)
    context.addIssue({ code: 'custom', message: 'is a size such as 64MB' })
    return z.NEVER
  })
  .pipe(z.int().min(1024))

const yes = z.union([
  z.boolean(),
  z.enum(['0', '1', 'true', 'false']).transform((v) => v === '1' || v === 'true'),
])
const whole = (min: number, max: number) => z.coerce.number().int().min(min).max(max)
const list = z.union([
  z.array(z.string().min(1)),
  z.string().transform((v) =>
    v
      .split(',')
      .map((s) => s.trim())
      .filter(Boolean),
  ),
])

/**
 * All that can be configured. A key `maxImageBytes` is the variable `CFLOW_MAX_IMAGE_BYTES` and the flag
 * `--max-image-bytes` of `cflow serve`.
 */
export const configSchema = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').meta({ help: 'address to listen on' }),
  port: whole(0, 65535).default(8080).meta({ help: 'port to listen on; 0 takes a free one' }),
  tlsCert: z.string().min(1).optional().meta({ help: 'file with the certificate chain (PEM)' }),
  tlsKey: z.string().min(1).optional().meta({ help: 'file with its key (PEM)' }),
  data: z
    .string()
    .min(1)
    .default('cflow-data')
    .meta({ help: 'folder of the embedded database and of files' }),
  databaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'is an address such as postgres://user:password@host/database')
    .optional()
    .meta({ help: 'PostgreSQL in place of the embedded database' }),
  storage: z
    .string()
    .regex(/^s3:\/\//, 'is an address such as s3://bucket/prefix')
    .optional()
    .meta({ help: 'S3-compatible storage in place of the folder (s3://bucket/prefix?endpoint=…)' }),
  queue: z
    .string()
    .regex(/^(rediss?|postgres(ql)?):\/\//, 'is an address such as redis://host:6379')
    .optional()
    .meta({ help: 'queue of jobs for `cflow worker`; without one the server runs them itself' }),
  jobs: whole(0, 64).default(1).meta({ help: 'jobs that this server itself runs at a time' }),
  keepJobsDays: whole(0, 36_500)
    .default(0)
    .meta({ help: 'days after which jobs that ended, and their files, are deleted; 0 keeps them' }),
  cacheBytes: bytes.default(10 * 2 ** 30).meta({ help: 'files of the storage that are kept here' }),
  workers: whole(1, 256).default(1).meta({ help: 'processes that run detectors' }),
  threads: whole(1, 1024)
    .optional()
    .meta({ help: 'threads of each of them; the cores shared out' }),
  device: z.string().min(1).default('cpu').meta({ help: 'where detectors run: cpu, cuda …' }),
  detectorsPerWorker: whole(1, 1000)
    .default(8)
    .meta({ help: 'detectors that a process keeps loaded' }),
  maxBatch: whole(1, 256).default(8).meta({ help: 'images in one run of a detector' }),
  batchMilliseconds: whole(0, 1000).default(3).meta({ help: 'longest wait for a batch to fill' }),
  maxQueue: whole(1, 100_000)
    .default(128)
    .meta({ help: 'images that wait before 429 is answered' }),
  maxQueueBytes: bytes.default(256 * 2 ** 20).meta({ help: 'bytes of images that wait' }),
  jobSeconds: whole(1, 3600)
    .default(60)
    .meta({ help: 'longest run of a batch, after which its process is replaced' }),
  maxImageBytes: bytes.default(32 * 2 ** 20).meta({ help: 'largest encoded image' }),
  maxImagePixels: whole(1, 100_000_000)
    .default(50_000_000)
    .meta({ help: 'most pixels of an image' }),
  maxImages: whole(1, 1024).default(32).meta({ help: 'most images in a request' }),
  maxModelBytes: bytes.default(2 ** 30).meta({ help: 'largest detector file to upload' }),
  validationSeconds: whole(1, 3600)
    .default(60)
    .meta({ help: 'longest check of an uploaded detector' }),
  validationMemory: bytes
    .default(4 * 2 ** 30)
    .meta({ help: 'most memory of the check of an uploaded detector' }),
  allowUrls: yes
    .default(false)
    .meta({ help: 'fetch images from public http(s) addresses that clients name' }),
  rateLimit: whole(0, 1_000_000)
    .default(0)
    .meta({ help: 'requests per minute of one token or address; 0 sets no limit' }),
  requestSeconds: whole(1, 3600).default(60).meta({ help: 'longest time for a request to arrive' }),
  maxConnections: whole(1, 100_000).default(1000).meta({ help: 'most open connections' }),
  corsOrigins: list.default([]).meta({ help: 'origins of pages that may call the server' }),
  requireToken: yes
    .optional()
    .meta({ help: 'whether every request needs a token; on beyond loopback, or once one exists' }),
  adminToken: z
    .string()
    .min(32, 'has 32 characters at least')
    .optional()
    .meta({ help: 'a bearer token that may do everything, for a first start from a secret' }),
  web: z.string().min(1).optional().meta({ help: 'folder of the built web app, served at /' }),
  example: yes.default(true).meta({ help: 'add the built-in example where there is no detector' }),
  logLevel: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
    .default('info')
    .meta({ help: 'least level of what is logged' }),
  otlpEndpoint: z
    .string()
    .regex(/^https?:\/\//, 'is an address such as http://collector:4318')
    .optional()
    .meta({ help: 'where traces go (OTLP over HTTP); OTEL_EXPORTER_OTLP_ENDPOINT is read too' }),
  shutdownSeconds: whole(0, 3600)
    .default(20)
    .meta({ help: 'time that requests have to end when the server does' }),
})

export type Config = z.output<typeof configSchema>

/** maxImageBytes → CFLOW_MAX_IMAGE_BYTES */
export const variableOf = (key: string): string =>
  `CFLOW_${key.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase()}`

/**
 * The configuration from what was said (flags), else the environment's `CFLOW_…`, else defaults.
 * @throws CflowError CONFIG, its subject the key or the variable
 */
export function readConfig(
  said: Readonly<Partial<Record<keyof Config, unknown>>> = {},
  environment: Readonly<Record<string, string | undefined>> = {},
): Config {
  const values: Record<string, unknown> = {}
  const names: Record<string, string> = {}
  for (const key of Object.keys(configSchema.shape)) {
    const own = said[key as keyof Config]
    const variable = variableOf(key)
    const value = own ?? (environment[variable] || undefined)
    if (value === undefined) continue
    values[key] = value
    names[key] = own === undefined ? variable : key
  }
  const parsed = configSchema.safeParse(values)
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    const key = String(issue!.path[0] ?? '')
    const subject = names[key] ?? key
    throw new CflowError('CONFIG', issueText(subject, issue!, values[key]), { subject })
  }
  const config = parsed.data
  if ((config.tlsCert === undefined) !== (config.tlsKey === undefined))
    throw new CflowError('CONFIG', 'tlsCert and tlsKey belong together', {
      subject: config.tlsCert === undefined ? 'tlsCert' : 'tlsKey',
    })
  return config
}

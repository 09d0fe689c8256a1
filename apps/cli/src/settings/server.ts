import { configSchema } from '@cflow/server'
import * as z from 'zod'

const placeholders: Readonly<Record<string, string>> = {
  ...{ host: 'ADDRESS', data: 'DIR', web: 'DIR', tlsCert: 'FILE', tlsKey: 'FILE' },
  ...{ databaseUrl: 'URL', storage: 'URL', queue: 'URL', corsOrigins: 'URLS', logLevel: 'LEVEL' },
  ...{ maxQueueBytes: 'SIZE', maxImageBytes: 'SIZE', maxModelBytes: 'SIZE' },
  ...{ validationMemory: 'SIZE', device: 'NAME', adminToken: 'TOKEN' },
}
const switches = ['allowUrls', 'requireToken', 'example']
const groups: Readonly<Record<string, readonly string[]>> = {
  address: [
    'host',
    'port',
    'tlsCert',
    'tlsKey',
    'corsOrigins',
    'requireToken',
    'adminToken',
    'web',
  ],
  state: ['data', 'databaseUrl', 'storage', 'queue', 'jobs', 'example'],
  detection: ['workers', 'threads', 'device', 'detectorsPerWorker', 'maxBatch', 'batchMilliseconds', 'jobSeconds', 'allowUrls'], // prettier-ignore
}

/** Every key of the configuration as a flag; what is not said is for the environment, then for its default. */
export const serverShape: Readonly<Record<string, z.ZodType>> = Object.fromEntries(
  Object.entries(configSchema.shape).map(([key, field]) => {
    const { help } = field.meta() as { readonly help: string }
    const standard = field instanceof z.ZodDefault ? (field.def.defaultValue as unknown) : undefined
    const isSwitch = switches.includes(key)
    const otherwise = standard === undefined || isSwitch || String(standard) === '' ? undefined : sized(key, standard) // prettier-ignore
    const group = Object.entries(groups).find(([, keys]) => keys.includes(key))?.[0] ?? 'limits'
    const type: z.ZodType = isSwitch ? z.boolean() : z.union([z.string(), z.number()])
    const placeholder = isSwitch ? undefined : (placeholders[key] ?? 'N')
    const negation = key === 'example' ? { key: 'noExample', help: 'do not add it' } : undefined
    return [
      key,
      type.optional().meta({
        ...{ help, group },
        ...(placeholder !== undefined && { placeholder }),
        ...(otherwise !== undefined && { otherwise }),
        ...(negation && { negation }),
      }),
    ]
  }),
)

/** 33554432 → 32MB */
function sized(key: string, value: unknown): string {
  if (placeholders[key] !== 'SIZE' || typeof value !== 'number') return String(value)
  return value >= 2 ** 30 ? `${value / 2 ** 30}GB` : `${value / 2 ** 20}MB`
}

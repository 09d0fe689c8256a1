import { configSchema, readConfig, serve } from '@cflow/server'
import * as z from 'zod'
import { defineCommand } from '../command.js'
import { note, printJson } from '../io.js'
import { outputShape } from '../settings/schema.js'
import { grouped } from '../settings/settings.js'

const placeholders: Readonly<Record<string, string>> = {
  ...{ host: 'ADDRESS', data: 'DIR', web: 'DIR', tlsCert: 'FILE', tlsKey: 'FILE' },
  ...{ databaseUrl: 'URL', storage: 'URL', queue: 'URL', corsOrigins: 'URLS', logLevel: 'LEVEL' },
  ...{ maxQueueBytes: 'SIZE', maxImageBytes: 'SIZE', maxModelBytes: 'SIZE' },
  ...{ validationMemory: 'SIZE', device: 'NAME' },
}
const switches = ['allowUrls', 'requireToken', 'example']
const groups: Readonly<Record<string, readonly string[]>> = {
  address: ['host', 'port', 'tlsCert', 'tlsKey', 'corsOrigins', 'requireToken', 'web'],
  state: ['data', 'databaseUrl', 'storage', 'queue', 'jobs', 'example'],
  detection: ['workers', 'threads', 'device', 'detectorsPerWorker', 'maxBatch', 'batchMilliseconds', 'jobSeconds', 'allowUrls'], // prettier-ignore
}

/** Every key of the configuration as a flag; what is not said is for the environment, then for its default. */
const shape = Object.fromEntries(
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

/** `cflow serve`: the HTTP server, until it is interrupted. */
export const command = defineCommand({
  settings: z.object({ ...shape, ...grouped('output', outputShape) }),
  async run(session, settings) {
    const { io } = session
    const {
      config: _file,
      json: _json,
      quiet: _quiet,
      ...said
    } = settings as Record<string, unknown>
    // on a terminal the lines of every request are no help
    const level = io.columns === undefined || session.debug ? undefined : 'warn'
    const { logLevel = io.env['CFLOW_LOG_LEVEL'] ?? level } = said
    const config = readConfig({ ...said, ...(logLevel !== undefined && { logLevel }) }, io.env)
    io.signal.throwIfAborted()
    io.patience?.(1000 * config.shutdownSeconds + 5000)
    const served = await serve(config)
    if (session.json) printJson(session, { url: served.url })
    else note(session, `serving at ${served.url}, described at ${served.url}/docs; Ctrl-C ends it`)
    void served.example.then((added) => {
      if (added) note(session, `the built-in example is ready: ${served.url}/v1/detectors/example`)
    })
    if (!io.signal.aborted)
      await new Promise<void>((resolve) =>
        io.signal.addEventListener('abort', () => resolve(), { once: true }),
      )
    note(session, 'ending: requests that have begun are answered')
    await served.close()
  },
})

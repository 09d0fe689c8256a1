import { readConfig, work } from '@cflow/server'
import * as z from 'zod'
import { defineCommand } from '../command.js'
import { note, printJson } from '../io.js'
import { outputShape } from '../settings/schema.js'
import { serverShape } from '../settings/server.js'
import { grouped } from '../settings/settings.js'

const keys = ['data', 'databaseUrl', 'storage', 'cacheBytes', 'queue', 'jobs', 'device', 'threads', 'logLevel'] // prettier-ignore
const shape = Object.fromEntries(keys.map((key) => [key, serverShape[key]!]))

/** Milliseconds for a job's process to write its checkpoint when the worker is ended. */
const patience = 60_000

/** `cflow worker`: takes jobs of a server, on any machine that reaches its queue (or database) and storage. */
export const command = defineCommand({
  settings: z.object({ ...shape, ...grouped('output', outputShape) }),
  async run(session, settings) {
    const { io } = session
    const all = settings as Readonly<Record<string, unknown>>
    const said = Object.fromEntries(keys.map((key) => [key, all[key]]))
    const level = io.columns === undefined || session.debug ? undefined : 'warn'
    const logLevel = said['logLevel'] ?? io.env['CFLOW_LOG_LEVEL'] ?? level
    const config = readConfig({ ...said, ...(logLevel !== undefined && { logLevel }) }, io.env)
    io.signal.throwIfAborted()
    io.patience?.(patience)
    const working = await work(config)
    if (session.json) printJson(session, { worker: working.name })
    else note(session, `${working.name} takes jobs; Ctrl-C pauses them with a checkpoint`)
    if (!io.signal.aborted)
      await new Promise<void>((resolve) =>
        io.signal.addEventListener('abort', () => resolve(), { once: true }),
      )
    note(session, 'ending: jobs that run are handed back')
    await working.close()
  },
})

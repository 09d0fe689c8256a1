import { readConfig, serve } from '@cflow/server'
import * as z from 'zod'
import { defineCommand } from '../command.js'
import { note, printJson } from '../io.js'
import { outputShape } from '../settings/schema.js'
import { serverShape } from '../settings/server.js'
import { grouped } from '../settings/settings.js'

/** `cflow serve`: the HTTP server, until it is interrupted. */
export const command = defineCommand({
  settings: z.object({ ...serverShape, ...grouped('output', outputShape) }),
  async run(session, settings) {
    const { io } = session
    const keys = Object.keys(serverShape)
    const said: Readonly<Record<string, unknown>> = Object.fromEntries(
      Object.entries(settings as object).filter(([key]) => keys.includes(key)),
    )
    // on a terminal the lines of every request are no help
    const level = io.columns === undefined || session.debug ? undefined : 'warn'
    const logLevel = said['logLevel'] ?? io.env['CFLOW_LOG_LEVEL'] ?? level
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

import { openState, readConfig } from '@cflow/server'
import { mkdir } from 'node:fs/promises'
import * as z from 'zod'
import type { Session } from '../../io.js'
import { grouped } from '../../settings/settings.js'

/** Where the server's records are. */
export const stateShape = grouped('state', {
  data: z.string().min(1).optional().meta({
    help: 'folder of the server’s embedded database',
    placeholder: 'DIR',
    otherwise: 'cflow-data, or CFLOW_DATA',
  }),
  databaseUrl: z.string().min(1).optional().meta({
    help: 'its PostgreSQL database',
    placeholder: 'URL',
    otherwise: 'CFLOW_DATABASE_URL',
  }),
})

type Settings = z.infer<z.ZodObject<typeof stateShape>>

/** Does something with the server's records. */
export async function withState<T>(
  { io }: Session,
  { data, databaseUrl }: Settings,
  work: (state: Awaited<ReturnType<typeof openState>>) => Promise<T>,
): Promise<T> {
  const config = readConfig({ data, databaseUrl }, io.env)
  if (config.databaseUrl === undefined) await mkdir(config.data, { recursive: true })
  const state = await openState({ data: config.data, databaseUrl: config.databaseUrl })
  try {
    return await work(state)
  } finally {
    await state.close()
  }
}

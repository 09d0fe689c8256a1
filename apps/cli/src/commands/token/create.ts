import { createToken } from '@cflow/server'
import * as z from 'zod'
import { defineCommand } from '../../command.js'
import { note, printJson } from '../../io.js'
import { outputShape } from '../../settings/schema.js'
import { grouped } from '../../settings/settings.js'
import { stateShape, withState } from './state.js'

const schema = z.object({
  ...grouped('token', {
    scopes: z
      .array(z.enum(['read', 'predict', 'train', 'admin']))
      .min(1)
      .default(['read', 'predict'])
      .meta({ help: 'what it allows', placeholder: 'A,B' }),
    days: z.number().positive().max(36_500).optional().meta({
      help: 'days until it ends',
      otherwise: 'it does not end',
    }),
  }),
  ...stateShape,
  ...outputShape,
})

/** `cflow token create`: a bearer token, printed once. */
export const command = defineCommand({
  arguments: { name: 'what to call it, such as the line that uses it' },
  settings: schema,
  async run(session, settings, name: string) {
    const { scopes, days } = settings
    const expiresAt = days === undefined ? undefined : Date.now() + Math.round(days * 86_400_000)
    const { token, record } = await withState(session, settings, (state) =>
      createToken(state, { name, scopes, expiresAt }),
    )
    if (session.json) return printJson(session, { id: record.id, name, scopes, token })
    session.io.out(`${token}\n`)
    note(session, `token ${record.id} (${scopes.join(', ')}): it is kept nowhere, store it now`)
  },
})

import { CflowError } from '@cflow/base'
import * as z from 'zod'
import { defineCommand } from '../../command.js'
import { note, printJson } from '../../io.js'
import { outputShape } from '../../settings/schema.js'
import { stateShape, withState } from './state.js'

/** `cflow token revoke`: a token ends, within a second also where a server runs. */
export const command = defineCommand({
  arguments: { id: 'its id, as `cflow token list` shows it' },
  settings: z.object({ ...stateShape, ...outputShape }),
  async run(session, settings, id: string) {
    const done = await withState(session, settings, (state) => state.tokens.revoke(id, Date.now()))
    if (!done)
      throw new CflowError('NOT_FOUND', `there is no token ${id}`, {
        subject: id,
        hint: '`cflow token list` shows them',
      })
    if (session.json) printJson(session, { id, revoked: true })
    else note(session, `token ${id} is revoked`)
  },
})

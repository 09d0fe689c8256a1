import * as z from 'zod'
import { defineCommand } from '../../command.js'
import { printJson, table } from '../../io.js'
import { outputShape } from '../../settings/schema.js'
import { stateShape, withState } from './state.js'

const day = (at: number | undefined): string =>
  at === undefined ? '-' : new Date(at).toISOString().slice(0, 10)

/** `cflow token list`: the server's tokens, without themselves. */
export const command = defineCommand({
  settings: z.object({ ...stateShape, ...outputShape }),
  async run(session, settings) {
    const tokens = await withState(session, settings, (state) => state.tokens.list())
    if (session.json)
      return printJson(session, {
        tokens: tokens.map((token) =>
          Object.fromEntries(Object.entries(token).filter(([key]) => key !== 'hash')),
        ),
      })
    const rows = tokens.map((t) => [
      ...[t.id, t.name, t.scopes.join(','), day(t.createdAt), day(t.expiresAt)],
      t.revokedAt === undefined ? '' : `revoked ${day(t.revokedAt)}`,
    ])
    session.io.out(table([['id', 'name', 'scopes', 'created', 'ends', ''], ...rows]))
  },
})

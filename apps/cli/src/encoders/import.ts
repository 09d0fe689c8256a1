import { encoderSpec } from '@cflow/encoders'
import { importWeights } from '@cflow/encoders/node'
import { printJson } from '../io.js'
import type { Session } from '../io.js'

/** `cflow encoders import NAME FILE`. */
export async function importFile(session: Session, name: string, file: string): Promise<void> {
  const path = await importWeights(name, file)
  const encoder = encoderSpec(name).name
  if (session.json) printJson(session, { encoder, path })
  else session.io.out(`weights of ${encoder}: ${path}\n`)
}

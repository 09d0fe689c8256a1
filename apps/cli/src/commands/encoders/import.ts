import { encoderSpec } from '@cflow/encoders'
import { importWeights } from '@cflow/encoders/node'
import * as z from 'zod'
import { defineCommand } from '../../command.js'
import { printJson, type Session } from '../../io.js'
import { encoderShape, outputShape } from '../../settings/schema.js'

/** `cflow encoders import NAME FILE`. */
export const command = defineCommand({
  arguments: { name: 'encoder, such as resnet18', file: 'weight file' },
  settings: z.object({ weightsKey: encoderShape.weightsKey, ...outputShape }),
  async run(session, { weightsKey: key }, name: string, file: string) {
    showWeights(session, name, await importWeights(name, file, { key }))
  },
})

/** Say where the weights of an encoder are. */
export function showWeights(session: Session, name: string, path: string): void {
  const encoder = encoderSpec(name).name
  if (session.json) printJson(session, { encoder, path })
  else session.io.out(`weights of ${encoder}: ${path}\n`)
}

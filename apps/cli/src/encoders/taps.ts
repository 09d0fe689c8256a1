import { onnxInputSize, onnxTaps, runOnce } from '@cflow/encoders'
import { inFile, readBytes } from '@cflow/encoders/node'
import { nodeRuntime } from '@cflow/runtimes/node'
import { cflow } from '@cflow/methods'
import { printJson } from '../io.js'
import type { Session } from '../io.js'
import { table } from './table.js'

export interface TapFlags {
  readonly inputSize?: number
  readonly prefixTokens?: number
}

/** `cflow encoders taps FILE`. */
export async function listTaps(session: Session, path: string, flags: TapFlags): Promise<void> {
  const bytes = await readBytes(path)
  const fixed = inFile(path, () => onnxInputSize(bytes))
  const inputSize = flags.inputSize ?? fixed ?? cflow.recipes.whitened.inputSize
  const { prefixTokens } = flags
  const runtime = await nodeRuntime()
  const options = {
    inputSize,
    run: runOnce(runtime),
    ...(prefixTokens !== undefined && { prefixTokens }),
  }
  const taps = await onnxTaps(bytes, options).catch((error: unknown) =>
    inFile(path, () => {
      throw error
    }),
  )
  if (session.json) return printJson(session, { inputSize, taps })
  const rows = taps.map((t) => [
    t.name,
    String(t.channels),
    `${t.height}×${t.width}`,
    t.kind === 'tokens' ? 'tokens' : 'map',
  ])
  session.io.out(table([['NAME', 'CHANNELS', `AT ${inputSize} PX`, 'KIND'], ...rows]))
}

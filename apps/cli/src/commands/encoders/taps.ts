import { CflowError } from '@cflow/base'
import { onnxInputSize, onnxTaps, runOnce } from '@cflow/encoders'
import { cflow } from '@cflow/methods'
import { inFile, readBytes } from '@cflow/weights/node'
import * as z from 'zod'
import { defineCommand } from '../../command.js'
import { ofFile } from '../../encoder.js'
import { printJson, table } from '../../io.js'
import { runtimeOf } from '../../settings/machine.js'
import { encoderShape, outputShape } from '../../settings/schema.js'

/** `cflow encoders taps FILE`. */
export const command = defineCommand({
  arguments: { file: 'ONNX file' },
  settings: z.object({
    inputSize: cflow.settings.shape.inputSize.optional().meta({
      help: 'size of the images',
      otherwise: `the file’s, or ${cflow.recipes.whitened.inputSize}`,
      error: 'needs a whole number from 32 to 4096',
    }),
    prefixTokens: encoderShape.prefixTokens,
    ...outputShape,
  }),
  async run(session, settings, path: string) {
    const bytes = await readBytes(path)
    const fixed = inFile(path, () => onnxInputSize(bytes))
    const inputSize = settings.inputSize ?? fixed ?? cflow.recipes.whitened.inputSize
    const { prefixTokens } = settings
    const taps = await onnxTaps(bytes, {
      inputSize,
      run: runOnce(await runtimeOf({})),
      ...(prefixTokens !== undefined && { prefixTokens }),
    }).catch(ofFile(path))
    if (taps.length === 0)
      throw new CflowError('NOT_FOUND', `no value of ${path} is a square map of the image`, {
        subject: path,
        hint: 'try another --input-size, or export the model without its pooling',
      })
    if (session.json) return printJson(session, { inputSize, taps })
    const rows = taps.map((t) => [
      ...[t.name, String(t.channels), `${t.height}×${t.width}`],
      ...[t.kind === 'tokens' ? 'tokens' : 'map', t.note ?? ''],
    ])
    session.io.out(table([['NAME', 'CHANNELS', `AT ${inputSize} PX`, 'KIND', ''], ...rows]))
  },
})

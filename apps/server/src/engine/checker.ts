/** A process that opens one file as a detector, runs it once, and ends. Its parent ends it when it takes too much. */
import { CflowError } from '@cflow/base'
import { loadDetector, readDetector } from '@cflow/detector'
import { plainError } from './plain-error.js'
import { giveWay } from './priority.js'
import type { FromWorker, ToWorker } from './protocol.js'
import { summaryOf } from '../summary.js'

// detection goes first: what is sent may compute for ever
giveWay(11)
process.on('disconnect', () => process.exit())
process.on('message', (message: ToWorker) => {
  if (message.type === 'check')
    void check(message.path).then(tell, (error: unknown) => {
      const { code, message: text, ...rest } = plainError(error)
      const why = text.replaceAll(message.path, 'the file').replace('(detector bytes)', 'the file')
      // whatever happens to a file that is being checked is the file's fault
      tell({
        type: 'refused',
        error: {
          ...rest,
          code: code === 'IO' || code === 'NOT_FOUND' ? code : 'MODEL',
          message: why,
          subject: 'model',
        },
      })
    })
})

async function check(path: string): Promise<FromWorker> {
  const { model, manifest } = await readDetector(path)
  if (hasExternalData(model))
    throw new CflowError('MODEL', 'the model refers to files beside it', {
      hint: 'detectors are the single files that `cflow train` writes',
    })
  const detector = await loadDetector(model, { device: 'cpu' })
  const size = manifest.inputSize
  if (size > 4096) throw new CflowError('MODEL', `its input size of ${size} pixels is not served`)
  const data = Uint8Array.from({ length: size * size * 3 }, (_, i) => (i * 7919) % 251)
  await detector.detect({ width: size, height: size, data }, { threshold: 0 })
  return { type: 'checked', checked: { summary: summaryOf(manifest) } }
}

/** Weights beside the file would be read from paths that the file chooses. */
const hasExternalData = (model: Uint8Array): boolean =>
  Buffer.from(model.buffer, model.byteOffset, model.length).includes('\x0a\x08location\x12')

function tell(message: FromWorker): void {
  process.send?.(message, () => process.exit())
}

/**
 * The thread of a worker that reads images from the pipe and decodes them: while a detector runs, its process can do
 * neither.
 */
import { CflowError, type RgbImage } from '@cflow/base'
import { decodeImage } from '@cflow/datasets/node'
import { Socket } from 'node:net'
import { parentPort, workerData } from 'node:worker_threads'
import { batchReader, type Batch } from './frames.js'
import { plainError } from './plain-error.js'
import type { BatchItem, Decoded, DecodedGroup, DecoderSettings } from './protocol.js'

/** Decoded pixels that wait for their turn; one image may have more. */
const maxHeldPixels = 64_000_000

const { fd, maxPixels } = workerData as DecoderSettings
const groups: { readonly batch: Batch; readonly from: number; readonly to: number }[] = []
let held = 0
let busy = false

const read = batchReader((batch) => {
  const count = batch.items.length
  // most batches fit; large images are decoded one by one
  const small = batch.items.every(({ image }) => 'encoded' in image && image.encoded.length < 2_000_000) // prettier-ignore
  if (small) groups.push({ batch, from: 0, to: count })
  else for (let from = 0; from < count; from++) groups.push({ batch, from, to: from + 1 })
  void work()
})
new Socket({ fd, readable: true, writable: false })
  .on('data', read)
  // the server is gone: so is the process, soon
  .on('error', () => undefined)
parentPort!.on('message', (pixels: number) => {
  held -= pixels
  void work()
})
parentPort!.postMessage('ready')

async function work(): Promise<void> {
  if (busy) return
  busy = true
  while (held < maxHeldPixels) {
    const group = groups.shift()
    if (!group) break
    const { batch, from, to } = group
    const items = batch.items.slice(from, to)
    const most = items.length === 1 ? maxPixels : Math.min(maxPixels, maxHeldPixels)
    const decoded = await Promise.all(items.map((item) => decode(item, most)))
    const images = decoded.flatMap((d) => ('image' in d ? [d.image] : []))
    const pixels = images.reduce((sum, { width, height }) => sum + width * height, 0)
    held += pixels
    const message: DecodedGroup = {
      ...{ id: batch.id, detector: batch.detector, pixels, decoded },
      options: items.map(({ options }) => options),
      last: to === batch.items.length,
    }
    parentPort!.postMessage(message, [...new Set(images.map(({ data }) => data.buffer as ArrayBuffer))]) // prettier-ignore
  }
  busy = false
}

/** A failure is the image's own. */
async function decode({ image }: BatchItem, most: number): Promise<Decoded> {
  try {
    return { image: 'encoded' in image ? await decodeImage(image.encoded, most) : checked(image) }
  } catch (error) {
    const { message, ...rest } = plainError(error)
    // the library calls bytes without a name `(image bytes)`
    const named = message.replace('(image bytes)', 'the image')
    return { error: { ...rest, subject: 'image', message: named } }
  }
}

function checked(image: RgbImage): RgbImage {
  const { width, height } = image
  if (width * height <= maxPixels) return image
  throw new CflowError('IMAGE', `the image has ${width}×${height} pixels, more than the ${maxPixels} allowed`, { subject: 'image', hint: 'Reduce it or cut it into tiles first.' }) // prettier-ignore
}

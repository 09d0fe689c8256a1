import type { Writable } from 'node:stream'
import { deserialize, serialize } from 'node:v8'
import type { DetectorFile, EngineImage, PredictOptions } from './engine.js'
import type { BatchItem } from './protocol.js'

/** Images that run together, on their way to a worker. */
export interface Batch {
  readonly id: number
  readonly detector: DetectorFile
  readonly items: readonly BatchItem[]
}

/** What goes before the bytes of a batch's images. */
interface Head {
  readonly id: number
  readonly detector: DetectorFile
  readonly items: readonly {
    readonly bytes: number
    /** Of pixels. */
    readonly size?: readonly [width: number, height: number]
    readonly options: PredictOptions
  }[]
}

const bytesOf = (image: EngineImage): Uint8Array =>
  'encoded' in image ? image.encoded : image.data

/**
 * Writes a batch: the length of its head, the head, the images' bytes. They are not copied: what a message between
 * processes does takes longer than all else that the serving process does for an image.
 */
export function writeBatch(pipe: Writable, { id, detector, items }: Batch): void {
  const head: Head = {
    ...{ id, detector },
    items: items.map(({ image, options }) => ({
      bytes: bytesOf(image).length,
      ...('encoded' in image ? {} : { size: [image.width, image.height] as const }),
      options,
    })),
  }
  const content = serialize(head)
  const length = Buffer.alloc(4)
  length.writeUInt32LE(content.length)
  pipe.cork()
  pipe.write(length)
  pipe.write(content)
  for (const { image } of items) {
    const bytes = bytesOf(image)
    if (bytes.length > 0) pipe.write(bytes)
  }
  pipe.uncork()
}

/** Takes chunks of what `writeBatch` wrote, cut anywhere, and tells batches when they are whole. */
export function batchReader(onBatch: (batch: Batch) => void): (chunk: Buffer) => void {
  let chunks: Buffer[] = []
  let held = 0
  let head: Head | undefined
  let wanted = 4
  let reading: 'length' | 'head' | 'images' = 'length'
  /** The next bytes, in one piece. */
  const take = (count: number): Buffer => {
    const all = chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks)
    chunks = all.length === count ? [] : [all.subarray(count)]
    held -= count
    return all.subarray(0, count)
  }
  const step = (): void => {
    if (reading === 'length') {
      wanted = take(4).readUInt32LE()
      reading = 'head'
    } else if (reading === 'head') {
      head = deserialize(take(wanted)) as Head
      wanted = head.items.reduce((sum, { bytes }) => sum + bytes, 0)
      reading = 'images'
    } else {
      const { id, detector, items } = head!
      const bytes = take(wanted)
      let at = 0
      const images = items.map((item): BatchItem => {
        const own = bytes.subarray(at, (at += item.bytes))
        if (!item.size) return { image: { encoded: own }, options: item.options }
        const [width, height] = item.size
        // of its own, so that it can be handed to another thread
        return { image: { width, height, data: new Uint8Array(own) }, options: item.options }
      })
      wanted = 4
      reading = 'length'
      onBatch({ id, detector, items: images })
    }
  }
  return (chunk) => {
    chunks.push(chunk)
    held += chunk.length
    while (held >= wanted) step()
  }
}

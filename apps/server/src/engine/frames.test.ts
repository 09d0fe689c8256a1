import { Random } from '@cflow/base'
import fc from 'fast-check'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { batchReader, writeBatch, type Batch } from './frames.js'

const bytes = fc.uint8Array({ maxLength: 5000 })
const image = fc.oneof(
  bytes.map((encoded) => ({ encoded })),
  fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 })).map(([width, height]) => ({
    ...{ width, height },
    data: Uint8Array.from({ length: 3 * width * height }, (_, i) => i % 256),
  })), // prettier-ignore
)
const batch = fc.record({
  id: fc.nat(),
  detector: fc.record({ digest: fc.string(), path: fc.string() }),
  items: fc.array(
    fc.record({ image, options: fc.record({ threshold: fc.double({ noNaN: true }) }) }),
    { minLength: 1, maxLength: 5 },
  ),
})

/** Views of larger buffers compare equal to arrays of their own. */
const plain = (batches: readonly Batch[]) =>
  batches.map((b) => ({
    ...b,
    items: b.items.map(({ image, options }) => ({
      options,
      image: 'encoded' in image ? { encoded: [...image.encoded] } : { ...image, data: [...image.data] }, // prettier-ignore
    })),
  }))

it('batches arrive as they were sent, wherever the pipe cuts them', () => {
  fc.assert(
    fc.property(fc.array(batch, { maxLength: 4 }), fc.nat(), (batches, seed) => {
      const pipe = new PassThrough({ highWaterMark: 1 << 24 })
      for (const b of batches) writeBatch(pipe, b)
      const sent = (pipe.read() as Buffer | null) ?? Buffer.alloc(0)
      const got: Batch[] = []
      const read = batchReader((b) => got.push(b))
      const random = Random.seeded(seed)
      for (let at = 0; at < sent.length;) {
        const size = random.integer(3) === 0 ? 1 + random.integer(3) : 1 + random.integer(4000)
        read(sent.subarray(at, (at += size)))
      }
      expect(plain(got)).toEqual(plain(batches))
    }),
    { numRuns: 100 },
  )
})

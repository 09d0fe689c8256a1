import { Random } from '@cflow/base'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { samplings } from './sampling.js'

it.each(['grouped', 'permuted'] as const)(
  '%s: no vector twice in a pass, positions in step, as many mini-batches as counted',
  (kind) => {
    const { shape: shapeOf, select, count } = samplings[kind]
    const images = fc.integer({ min: 2, max: 40 })
    const miniBatch = fc.integer({ min: 1, max: 200 })
    fc.assert(
      fc.property(images, miniBatch, (images, miniBatch) => {
        const shape = shapeOf(30, miniBatch, images)
        const seen = new Set<number>()
        let batches = 0
        for (const { image, position } of select(shape, 30, images, Random.seeded(images))) {
          expect(image.length).toBe(shape.rows)
          for (let r = 0; r < shape.rows; r++) {
            seen.add(image[r]! * 30 + position[r]!)
            expect(position[r]).toBe(position[r % shape.positions])
          }
          batches++
        }
        expect(seen.size).toBe(batches * shape.rows)
        expect(batches).toBeGreaterThan(0)
        expect(batches).toBe(count(shape, 30, images))
      }),
    )
  },
)

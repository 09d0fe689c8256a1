import { openRuntime } from '@cflow/runtimes'
import { expect, it } from 'vitest'
import { measureSpeed } from './speed.js'

it('measures every model of Table 6, each slower than the encoder within it', async () => {
  const runtime = await openRuntime({ threads: 1 })
  const common = {
    encoder: 'mobilenet-v3-large',
    inputSize: 64,
    recipe: 'paper',
    seconds: 0,
  } as const
  const { milliseconds, bytes, padimShare } = await measureSpeed({ ...common, others: true, images: 242, runtime }) // prettier-ignore
  expect(milliseconds.padim).toBeGreaterThan(milliseconds.encoder)
  expect(milliseconds.spade).toBeGreaterThan(milliseconds.encoder)
  expect(milliseconds.cflow).toBeGreaterThan(0)
  expect(padimShare).toBe(1)
  expect(bytes.cflow).toBe(12_773_376)
  // 8×8 positions of 100 channels: mean and matrix of each
  expect(bytes.padim).toBe(4 * 64 * 100 * 101)
  // the taps of 242 images at 8×8, 4×4 and 2×2 positions, and their descriptors
  expect(bytes.spade).toBe(4 * 242 * (64 * 40 + 16 * 112 + 4 * 160 + 160))
  const alone = await measureSpeed({ ...common, others: false, images: 242, runtime })
  expect(alone.milliseconds.padim).toBeUndefined()
})

import { expect, it } from 'vitest'
import { ordered } from './ordered.js'

it('works ahead in order, and fails in turn', async () => {
  const got: number[] = []
  let running = 0
  let most = 0
  const work = async (n: number) => {
    most = Math.max(most, ++running)
    await new Promise((r) => setTimeout(r, (7 * n) % 5))
    running--
    if (n === 12) throw new Error('twelve')
    return n
  }
  const all = async () => {
    for await (const n of ordered(
      Array.from({ length: 20 }, (_, i) => i),
      work,
      3,
    ))
      got.push(n)
  }
  await expect(all()).rejects.toThrow('twelve')
  expect(got).toEqual(Array.from({ length: 12 }, (_, i) => i))
  expect(most).toBeLessThanOrEqual(3)
})

import { expect, it } from 'vitest'
import { proven } from './proven.js'

/** A clock that only runs move, by so many milliseconds each. */
function standIn() {
  let time = 0
  let running = 0
  const runs = (...took: number[]) => {
    const left = [...took]
    return async () => {
      expect(++running).toBe(1)
      await Promise.resolve()
      time += left.shift()!
      running--
    }
  }
  return { now: () => time, runs }
}

it.each([
  [[90, 20], [10, 40], 'threads'],
  [[10, 40], [90, 20], 'single'],
  [[40, 40], [40, 38], 'threads'],
])('threads %j against one %j: the second run of each decides for %s', async (t, s, which) => {
  const { now, runs } = standIn()
  expect(await proven(runs(...t), runs(...s), now)).toBe(which)
})

it('an engine that fails proves nothing', async () => {
  const { now, runs } = standIn()
  const fails = () => Promise.reject(new Error('no memory'))
  await expect(proven(runs(1, 1), fails, now)).rejects.toThrow('no memory')
})

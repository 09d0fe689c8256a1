import { Random, floats } from '@cflow/base'
import { rowsOfMap } from '@cflow/core'
import { input, reshape } from '@cflow/graph'
import { expect, it } from 'vitest'
import { run } from '@cflow/runtimes/testing'
import { joinBilinear, joinNearest, joinRows, sizeOfMap } from './features.js'

const random = Random.seeded(5)
const shapes = [
  { channels: 3, height: 4, width: 8 },
  { channels: 2, height: 2, width: 4 },
  { channels: 5, height: 1, width: 2 },
]
const maps = shapes.map((shape) =>
  Float32Array.from({ length: sizeOfMap(shape) }, () => random.normal()),
)
const inputs = shapes.map((s, k) => input(`x${k}`, 'float32', ['N', s.channels, s.height, s.width]))
const feeds = Object.fromEntries(
  shapes.map((s, k) => [`x${k}`, floats('float32', [1, s.channels, s.height, s.width], maps[k]!)]),
)
const rows = shapes.map(({ channels, height, width }, k) =>
  maps[k]!.map((_, i) => maps[k]![(i % channels) * height * width + Math.floor(i / channels)]!),
)

it('joins maps and rows in the same way', async () => {
  const given = inputs.map((x, k) => {
    const { channels, height, width } = shapes[k]!
    return reshape(rowsOfMap(x), [-1, height * width, channels])
  })
  const { joined, same } = await run(
    { joined: rowsOfMap(joinNearest(inputs)), same: joinRows(given, shapes) },
    feeds,
  )
  expect(joined!.shape).toEqual([32, 10])
  expect(same!.shape).toEqual([1, 32, 10])
  expect(same!.data).toEqual(joined!.data)
  // position (3, 5) lies in row 1, column 2 of the middle tap, and in column 1 of the coarsest
  const at = joined!.data.slice((3 * 8 + 5) * 10, (3 * 8 + 5) * 10 + 10)
  expect(at.slice(3, 5)).toEqual(Array.from(rows[1]!.slice(6 * 2, 7 * 2)))
  expect(at.slice(5)).toEqual(Array.from(rows[2]!.slice(5, 10)))
})

it('keeps the chosen channels only, whichever taps they come from', async () => {
  for (const channels of [[0, 2, 3, 9], [1], [5, 6, 7, 8, 9]]) {
    const { all, some } = await run(
      { all: joinNearest(inputs), some: joinNearest(inputs, channels) },
      feeds,
    )
    const wanted = channels.flatMap((c) => all!.data.slice(c * 32, (c + 1) * 32))
    expect(some!.data).toEqual(wanted)
  }
})

it('interpolates between positions where asked to, and keeps the corners', async () => {
  const { joined } = await run({ joined: joinBilinear(inputs) }, feeds)
  const middle = joined!.data.slice(3 * 32, 4 * 32)
  const [first, last] = [maps[1]![0]!, maps[1]![7]!]
  expect([middle[0], middle[31]]).toEqual([first, last])
})

it('names maps that do not fit together', () => {
  const odd = input('odd', 'float32', ['N', 1, 3, 3])
  expect(() => joinNearest([inputs[0]!, odd])).toThrow(/3×3.*4×8/)
})

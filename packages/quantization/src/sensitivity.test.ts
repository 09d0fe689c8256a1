import { readOnnx } from '@cflow/graph'
import { openRuntime, type Runtime } from '@cflow/runtimes'
import { beforeAll, expect, it } from 'vitest'
import { toyDetector, toyManifest } from '@cflow/core/testing'
import { mapsOf, toyImages } from '../test/images.js'
import { fullRanges } from './calibrate.js'
import { readFloatDetector, writeLike } from './file.js'
import { detections, deviation, once, type Images } from './images.js'
import { quantiser } from './qdq.js'
import { mapped } from './rewrite.js'
import { worstFirst, type LayerError } from './sensitivity.js'
import { structureOf } from './structure.js'

let runtime: Runtime
let sessions = 0
beforeAll(async () => {
  const node = await openRuntime({ threads: 1 })
  runtime = {
    ...node,
    createSession: (...args) => {
      sessions++
      return node.createSession(...args)
    },
  }
})

it('finds the worst layers in one session, their errors those of files with one quantised layer', async () => {
  const bytes = toyDetector()
  const images = toyImages(3)
  const structure = structureOf(readOnnx(bytes))
  const ranges = await fullRanges(runtime, structure.points, images)
  sessions = 0
  const found: LayerError[] = []
  for await (const error of worstFirst(runtime, structure, structure.layers, { ranges }, images))
    found.push(error)
  expect(sessions).toBe(1)
  const names = structure.layers.map((l) => l.name)
  expect(found.map((e) => e.layer).sort()).toEqual([...names].sort())

  const float = await mapsOf(runtime, bytes, images)
  const alone = new Map<string, number>()
  for (const name of names) {
    const keep = new Set(names.filter((n) => n !== name))
    const model = writeLike(readFloatDetector(bytes), mapped(structure.outputs, quantiser(structure, { ranges, keep })), toyManifest) // prettier-ignore
    alone.set(name, deviation(float, await mapsOf(runtime, model, images)))
  }
  // a rounding that falls the other way changes an error a little
  for (const { layer, deviation } of found)
    expect(deviation / (alone.get(layer) as number)).toBeCloseTo(1, 1)
  const largest = [...alone].sort((a, b) => b[1] - a[1])
  expect(found[0]?.layer).toBe(largest[0]?.[0])
})

it('decodes images once, and the detector says the same of what is kept', async () => {
  let decoded = 0
  const large = async function* () {
    for await (const { data } of toyImages(4)()) {
      decoded++
      // 24 × 32 pixels and 128 × 8, neither the detector's size
      const width = decoded % 2 === 0 ? 24 : 128
      yield { width, height: 768 / width, data: data.slice(0, 768 * 3) }
    }
  }
  const bytes = toyDetector()
  const seen = async (images: Images) => {
    const found = await detections(runtime, bytes, images, {})
    return found.map(({ milliseconds, ...rest }) => (expect(milliseconds).toBeGreaterThan(0), rest))
  }
  const expected = await seen(large)
  decoded = 0
  const kept = once(runtime, large, { inputSize: 32 })
  for (const pass of [1, 2]) expect([pass, await seen(kept)]).toEqual([pass, expected])
  expect(decoded).toBe(4)
})

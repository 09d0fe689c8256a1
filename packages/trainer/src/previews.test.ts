import { syntheticDataset } from '@cflow/datasets'
import { describe, expect, it } from 'vitest'
import { trainDetector, type Preview, type Progress } from './index.node.js'

const { train } = syntheticDataset({ kind: 'mesh', size: 64, train: 24, test: 1 })
const pixels = await Promise.all(train.map((sample) => sample.load()))
const settings = { inputSize: 64, couplingLayers: 1, remembered: 50, passes: 3 } as const
const heldOut = { ...settings, folds: 0 } as const
const same = (a: Uint8Array, b: Uint8Array) => Buffer.compare(a, b) === 0
const mean = (map: Float32Array) => map.reduce((a, v) => a + v, 0) / map.length

/** A store of one checkpoint. */
function memory() {
  const store = {
    bytes: undefined as Uint8Array | undefined,
    read: () => Promise.resolve(store.bytes),
    write(bytes: Uint8Array) {
      store.bytes = bytes
      return Promise.resolve()
    },
  }
  return store
}

describe('previews', () => {
  it('come before the first pass and after each, of held-out images, and change no byte', async () => {
    const seen: Preview[] = []
    const order: string[] = []
    const options = {
      previews: {
        onPreview: (preview: Preview) => {
          seen.push(preview)
          order.push(`preview ${preview.pass}`)
        },
      },
      onProgress: ({ stage, done }: Progress) => {
        if (stage === 'train' && Number.isInteger(done) && done > 0) order.push(`pass ${done}`)
      },
    }
    const plain = await trainDetector(pixels, heldOut)
    const trained = await trainDetector(pixels, { ...heldOut, ...options })
    expect(same(trained.model, plain.model)).toBe(true)
    expect(seen.map(({ pass, passes }) => [pass, passes])).toEqual([0, 1, 2, 3].map((p) => [p, 3]))
    expect([...new Set(order)]).toEqual(['preview 0', 'pass 1', 'preview 1', 'pass 2', 'preview 2', 'pass 3', 'preview 3']) // prettier-ignore
    const calibrated = trained.calibration.map(({ index }) => index)
    const [first, ...others] = seen as [Preview, ...Preview[]]
    expect(first.source).toBe('held-out')
    expect(first.images.length).toBe(Math.min(4, calibrated.length))
    for (const { index, id, map } of first.images) {
      expect(calibrated).toContain(index)
      expect(id).toBe(trained.calibration.find((c) => c.index === index)!.id)
      expect(map.length).toBe(64 * 64)
      expect(map.every(Number.isFinite)).toBe(true)
    }
    const [low, high] = first.range
    const values = first.images.flatMap(({ map }) => [...map])
    expect(high).toBeCloseTo(Math.max(...values), 4)
    expect(values.filter((v) => v < low).length / values.length).toBeCloseTo(0.5, 1)
    for (const other of others) {
      expect(other.range).toEqual(first.range)
      expect(other.images.map((i) => i.index)).toEqual(first.images.map((i) => i.index))
      expect(other.images[0]!.map).not.toEqual(first.images[0]!.map)
    }
  })

  it('fall as the images become usual, for every rule that makes a map', async () => {
    for (const aggregation of ['softMinimum', 'joint', 'standardised', 'calibrated'] as const) {
      const means: number[] = []
      await trainDetector(pixels, {
        // of what is learned from, which becomes usual whatever else does
        ...{ ...settings, heldOut: 0, passes: 4, remembered: 0, aggregation },
        previews: {
          images: 2,
          onPreview: ({ images }) =>
            means.push(images.reduce((a, { map }) => a + mean(map), 0) / images.length),
        },
      })
      expect(means.at(-1)!, aggregation).toBeLessThan(means[0]!)
    }
  })

  it('of images too few to hold some out are of what is learned from, once the folds are judged', async () => {
    const seen: Preview[] = []
    let stage = ''
    const few = pixels.slice(0, 8)
    const options = { ...settings, passes: 2 } as const
    const { model, manifest } = await trainDetector(few, {
      ...options,
      onProgress: (progress) => (stage = progress.stage),
      previews: {
        images: 20,
        onPreview(preview) {
          expect(stage).not.toBe('folds')
          seen.push(preview)
        },
      },
    })
    expect(manifest.calibration.source).toBe('folds')
    expect(seen.map(({ pass }) => pass)).toEqual(
      Array.from({ length: manifest.training.passes + 1 }, (_, i) => i),
    )
    for (const { source, images } of seen) {
      expect(source).toBe('training')
      expect(images.map(({ index }) => index)).toEqual([...few.keys()])
    }
    expect(same(model, (await trainDetector(few, options)).model)).toBe(true)
  })

  it('go on with a resumed training, in the unit that they had', async () => {
    const options = { ...heldOut, passes: 3 }
    const whole: Preview[] = []
    const plain = await trainDetector(pixels, {
      ...options,
      previews: { onPreview: (p) => whole.push(p) },
    })
    const checkpoints = memory()
    const stop = new AbortController()
    const interrupted = trainDetector(pixels, {
      ...{ ...options, checkpoints, signal: stop.signal },
      previews: {
        onPreview: ({ pass }) => {
          if (pass === 1) stop.abort(new Error('stop'))
        },
      },
    })
    await expect(interrupted).rejects.toThrow('stop')
    const rest: Preview[] = []
    const resumed = await trainDetector(pixels, {
      ...{ ...options, checkpoints, resume: true },
      previews: { onPreview: (p) => rest.push(p) },
    })
    expect(rest).toEqual(whole.slice(1))
    expect(same(resumed.model, plain.model)).toBe(true)
    // one that is resumed without them gives the same too
    expect(same((await trainDetector(pixels, { ...options, checkpoints, resume: true })).model, plain.model)).toBe(true) // prettier-ignore
  })

  it('end with a training that is finished early', async () => {
    const finish = new AbortController()
    const passes: number[] = []
    await trainDetector(pixels, {
      ...{ ...heldOut, finish: finish.signal },
      previews: {
        onPreview({ pass }) {
          passes.push(pass)
          if (pass === 1) finish.abort()
        },
      },
    })
    expect(passes).toEqual([0, 1])
  })

  it('are those of every method that learns in passes, and none of others', async () => {
    for (const method of ['dfr', 'padim'] as const) {
      const seen: Preview[] = []
      await trainDetector(pixels, {
        ...{ method, inputSize: 64, folds: 0, ...(method === 'dfr' && { passes: 2 }) },
        previews: { images: 1, onPreview: (p) => seen.push(p) },
      })
      expect(seen.map(({ pass }) => pass)).toEqual(method === 'dfr' ? [0, 1, 2] : [])
      if (method === 'dfr') expect(mean(seen[2]!.images[0]!.map)).toBeLessThan(mean(seen[0]!.images[0]!.map)) // prettier-ignore
    }
  })

  it('are refused for a number of images that is none', async () => {
    for (const images of [0, -1, 1.5, NaN])
      await expect(
        trainDetector(pixels, { ...heldOut, previews: { images, onPreview: () => undefined } }),
      ).rejects.toMatchObject({ code: 'USAGE', subject: 'previews' })
  })
})

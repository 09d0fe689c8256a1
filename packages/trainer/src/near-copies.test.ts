import { Random, type RgbImage } from '@cflow/base'
import { syntheticDataset, type Sample } from '@cflow/datasets'
import { openRuntime } from '@cflow/runtimes'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Runtime } from '@cflow/runtimes'
import { imageDigest } from './feature-cache.js'
import { dependent, nearCopies, pictureOf, type NearCopies } from './near-copies.js'

let runtime: Runtime
beforeAll(async () => {
  runtime = await openRuntime()
})

const size = 128

async function imagesOf(kind: 'mesh' | 'cable' | 'part', count: number): Promise<RgbImage[]> {
  const { train } = syntheticDataset({ kind, train: count, test: 0, size })
  return Promise.all(train.map((s: Sample) => s.load()))
}

/** The same scene again: moved by some pixels, brighter or darker, with the noise of a camera. */
function again(image: RgbImage, random: Random, { move = 1, noise = 3 } = {}): RgbImage {
  const { width, height, data } = image
  const [dx, dy] = [0, 0].map(() => Math.round(random.uniform(-move, move))) as [number, number]
  const light = random.uniform(0.95, 1.05)
  const out = new Uint8Array(data.length)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) {
        const from = (Math.min(Math.max(y + dy, 0), height - 1) * width + Math.min(Math.max(x + dx, 0), width - 1)) * 3 + c // prettier-ignore
        out[(y * width + x) * 3 + c] = Math.min(Math.max(data[from]! * light + random.normal() * noise, 0), 255) // prettier-ignore
      }
  return { width, height, data: out }
}

async function compare(images: readonly RgbImage[]): Promise<NearCopies> {
  const pictures = images.map(({ data }) => pictureOf(data, size))
  return nearCopies(runtime, { pictures, digests: await Promise.all(images.map(imageDigest)) })
}

describe.each(['mesh', 'cable', 'part'] as const)('images of %s', (kind) => {
  it.each([6, 12, 30, 80])('that are all different are no copies: %i', async (count) => {
    const found = await compare(await imagesOf(kind, count))
    expect(dependent(found, count)).toBe(false)
    expect(found.ordered).toBe(false)
  })

  it('copied four times, in whatever order, count once', async () => {
    const images = await imagesOf(kind, 30)
    const shuffled = Random.seeded(1, 'order').permutation(120)
    const found = await compare(Array.from(shuffled, (i) => images[i % 30]!))
    expect(found).toMatchObject({ images: 120, distinct: 30 })
    const groupOf = new Map(Array.from(shuffled, (image, i) => [image % 30, found.groups[i]]))
    found.groups.forEach((g, i) => expect(g).toBe(groupOf.get(shuffled[i]! % 30)))
  })

  it.each([
    ['one after the other', true],
    ['in any order', false],
  ])('taken in bursts, %s, are found', async (_, inOrder) => {
    const random = Random.seeded(2, 'burst')
    const scenes = await imagesOf(kind, 16)
    const frames = scenes.flatMap((image, scene) => [
      { scene, image },
      ...[1, 2, 3].map(() => ({ scene, image: again(image, random) })),
    ])
    const order = inOrder ? frames.keys() : random.permutation(frames.length)
    const shown = Array.from(order, (i) => frames[i]!)
    const found = await compare(shown.map(({ image }) => image))
    expect(found.ordered).toBe(inOrder)
    expect(dependent(found, shown.length)).toBe(true)
    // few frames stand apart from their scene, and few scenes are taken together (parts that lie alike)
    const apart = scenes.map((_, scene) => {
      const groups = found.groups.filter((_, i) => shown[i]!.scene === scene)
      return groups.length - Math.max(...groups.map((g) => groups.filter((h) => h === g).length))
    })
    expect(apart.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(6)
    expect(found.distinct).toBeGreaterThanOrEqual(8)
  })
})

describe('near copies', () => {
  it('are few in a set that has few: nothing is taken from the others', async () => {
    const random = Random.seeded(3, 'few')
    const images = await imagesOf('cable', 40)
    const found = await compare([...images, again(images[3]!, random, { move: 0, noise: 1 })])
    expect(found.images).toBe(2)
    expect(found.groups[40]).toBe(found.groups[3])
    expect(dependent(found, 41)).toBe(false)
  })

  it('are pictures without contrast, where they are the same to the pixel', async () => {
    const flat = (level: number): RgbImage => ({ width: size, height: size, data: new Uint8Array(size * size * 3).fill(level) }) // prettier-ignore
    const found = await compare([flat(9), ...(await imagesOf('mesh', 8)), flat(9), flat(40)])
    expect(found.groups[9]).toBe(found.groups[0])
  })

  it('of one image are none', async () => {
    expect(await compare(await imagesOf('mesh', 1))).toMatchObject({ images: 0, distinct: 1 })
  })
})

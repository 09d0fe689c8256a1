import { Random, type RgbImage } from '@cflow/base'
import type { Runtime } from '@cflow/runtimes'
import { detections, type Images, type Maps } from '../src/images.js'

/** Smooth images of differing contrast, so that their scores differ. */
export const toyImages = (count: number): Images =>
  async function* () {
    for (let i = 0; i < count; i++) yield wave(i)
  }

function wave(seed: number): RgbImage {
  const r = Random.seeded(seed, 'wave')
  const [fx, fy, contrast] = [r.uniform(0.1, 1), r.uniform(0.1, 1), 20 + 8 * seed]
  const at = (i: number) => Math.sin(fx * (i % 32) + (i % 3)) * Math.cos(fy * Math.floor(i / 96))
  const data = Uint8Array.from({ length: 32 * 32 * 3 }, (_, i) => {
    return Math.min(Math.max(128 + contrast * at(i) + r.uniform(-4, 4), 0), 255)
  })
  return { width: 32, height: 32, data }
}

export async function scoresOf(
  runtime: Runtime,
  model: Uint8Array,
  images: Images,
): Promise<readonly number[]> {
  const found = await detections(runtime, model, images, { map: false, contributions: false })
  return found.map((d) => d.score)
}

export async function mapsOf(runtime: Runtime, model: Uint8Array, images: Images): Promise<Maps> {
  const found = await detections(runtime, model, images, { contributions: false })
  return found.map((d) => d.anomalyMap.data)
}

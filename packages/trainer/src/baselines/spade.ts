import { floats, tensor } from '@cflow/base'
import type { RgbImage, Tensor } from '@cflow/base'
import {
  imageDistances,
  joinRows,
  joinedShape,
  nearestImages,
  pooledTap,
  positionDistances,
  spadeMap,
  spadeNames,
} from '@cflow/methods'
import { encodePixels, rowsOfMap } from '@cflow/core'
import type { Value } from '@cflow/graph'
import type { FeatureExtractor, View } from '../encoding.js'
import { stageProgress } from '../progress.js'
import type { Scorer } from './scorer.js'
import type { SpadeConfig } from './config.js'
import type { Job } from './job.js'

/** The taps as rows, and the last one averaged over its positions. */
export const spadeView: View = (pixels, encoder) => {
  const taps = encodePixels(pixels, encoder)
  return [...taps.map(rowsOfMap), pooledTap(taps.at(-1) as Value)]
}

export interface SpadeScorer extends Scorer {
  /** Bytes of the gallery: the taps of every training image, and its descriptor. */
  readonly galleryBytes: number
}

/**
 * SPADE: keep the features of the training images, and compare with the nearest of them. An image costs K products of
 * its positions with those of a neighbour.
 */
export async function spade(
  job: Job<SpadeConfig>,
  extractor: FeatureExtractor,
): Promise<SpadeScorer> {
  const { config, model, runtime, images, training, clock } = job
  const { scales, inputSize } = model
  const gallery: (readonly Float32Array[])[] = []
  const descriptors: Float32Array[] = []
  await clock.timed('encode', async () => {
    const report = stageProgress('encode', training.length, job)
    for await (const features of images.features(training)) {
      gallery.push(features.slice(0, -1))
      report(descriptors.push(features.at(-1) as Float32Array))
    }
  })
  const depth = (descriptors[0] as Float32Array).length
  const pooled = new Float32Array(gallery.length * depth)
  descriptors.forEach((d, i) => pooled.set(d, i * depth))
  const galleryPooled = floats('float32', [gallery.length, depth], pooled)
  const { height, width, depth: joinedDepth } = joinedShape(scales)
  const positions = height * width
  const [search, compare, render] = [
    await runtime.createSession(imageDistances(gallery.length, depth)),
    await runtime.createSession(positionDistances(positions, joinedDepth)),
    await runtime.createSession(spadeMap(joinedShape(scales), inputSize)),
  ]
  const joined = new Float32Array(positions * joinedDepth)
  const imageBytes = scales.reduce((n, s) => n + 4 * s.depth * s.height * s.width, 4 * depth)
  return {
    galleryBytes: gallery.length * imageBytes,
    async score(image: RgbImage) {
      const features = await extractor.extract(await extractor.resize(image))
      const found = await search.run({
        [spadeNames.pooled]: tensor('float32', [1, depth], features.at(-1) as Float32Array),
        [spadeNames.galleryPooled]: galleryPooled,
      })
      const distances = found[spadeNames.distances] as Tensor<'float32'>
      const { indices, score } = nearestImages(distances.data, config.neighbours)
      const query = tensor('float32', [positions, joinedDepth], joinRows(features, scales))
      const nearest = new Float32Array(positions).fill(Infinity)
      for (const i of indices) {
        const rows = joinRows(gallery[i] as readonly Float32Array[], scales, joined)
        const got = await compare.run({
          [spadeNames.query]: query,
          [spadeNames.gallery]: tensor('float32', [positions, joinedDepth], rows),
        })
        const found = got[spadeNames.distances] as Tensor<'float32'>
        for (let p = 0; p < positions; p++)
          nearest[p] = Math.min(nearest[p] as number, found.data[p] as number)
      }
      const drawn = await render.run({
        [spadeNames.positions]: tensor('float32', [1, height, width], nearest),
      })
      return { score, map: (drawn['map'] as Tensor<'float32'>).data }
    },
    async release() {
      for (const session of [search, compare, render]) await session.release()
      await extractor.release()
    },
  }
}

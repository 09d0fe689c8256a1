import { CflowError, sizeOf, tensor, type Tensor } from '@cflow/base'
import { encodePixels, rowsOfMap, type Head } from '@cflow/core'
import type { EncoderModel } from '@cflow/encoders'
import {
  add,
  constant,
  gather,
  matMul,
  max,
  min,
  reduceMean,
  reduceMin,
  reduceSumSquare,
  reshape,
  scalar,
  scale,
  split,
  sqrt,
  sub,
  topK,
  transpose,
  type Value,
} from '@cflow/graph'
import * as z from 'zod'
import { joinNearest, joinRows, joinedShape, mapShape, sizeOfMap } from '../features.js'
import { mapVerdict } from '../maps.js'
import { encodeAll, method, type ExtensionJob, type Features, type View } from '../method.js'
import { checkFileSize, checkInputSize, commonDefaults, commonSettings, settingsOf } from '../settings.js' // prettier-ignore

/** SPADE's number of neighbours (Cohen & Hoshen 2020). */
export const spadeNeighbours = 50

const neighbours = z.int().min(1).max(100_000)
const settings = z.strictObject({
  ...commonSettings,
  neighbours: settingsOf('spade')(
    'K',
    'nearest training images that are compared with',
    neighbours,
  ),
})

/**
 * SPADE (Cohen & Hoshen 2020): keep the features of the training images, and compare with the nearest of them. The whole
 * gallery is in the detector file, and an image costs K products of its positions with those of a neighbour.
 */
export const spade = method({
  name: 'spade',
  title: 'SPADE',
  settings,
  recipes: { default: { ...commonDefaults, neighbours: spadeNeighbours } },
  check: (config) => checkInputSize(config),
  prepare(_, encoder, images) {
    checkFileSize(
      galleryBytes(encoder, images) + weightBytes(encoder),
      `the gallery of ${images} training images`,
      'inputSize',
      'use fewer training images or a smaller input size',
    )
    return { view: tapsAndDescriptor }
  },
  async learn(job) {
    const { config, encoder, training } = job
    const { neighbours } = config
    const shapes = [
      ...encoder.taps.map((t) => [training.length, t.height * t.width, t.channels]),
      [training.length, encoder.taps.at(-1)?.channels as number],
    ]
    const gallery = shapes.map((shape) => tensor('float32', shape, new Float32Array(sizeOf(shape))))
    await encodeAll(job, (features, i) =>
      features.forEach((values, k) => gallery[k]?.data.set(values, i * values.length)),
    )
    return { head: spadeHead(gallery, neighbours), manifest: { settings: { neighbours } } }
  },
  extension: { view: () => tapsAndDescriptor, extend },
})

/** A gallery with further images in it. */
async function extend({ parts, features, training }: ExtensionJob) {
  const { manifest, constants } = parts
  const known = [...manifest.encoder.taps, undefined].map((_, k) => constants.get(`${galleryName}${k}`)) // prettier-ignore
  const added: Features[] = []
  for await (const own of features.of(training)) added.push(own)
  const gallery = known.map((t, k): Tensor<'float32'> => {
    if (!t)
      throw new CflowError('MODEL', 'the detector file holds no gallery', {
        hint: 'train it again',
      })
    const [images = 0, ...shape] = t.shape
    const size = sizeOf(shape)
    const data = new Float32Array((images + added.length) * size)
    data.set(t.data as Float32Array)
    added.forEach((own, i) => data.set(own[k] as Float32Array, (images + i) * size))
    return tensor('float32', [images + added.length, ...shape], data)
  })
  return { head: spadeHead(gallery, Number(manifest.settings?.['neighbours'] ?? spadeNeighbours)) }
}

/** What the gallery's constants are called in a detector file. */
const galleryName = 'spade.gallery'

/** The taps as rows, and the descriptor. */
const tapsAndDescriptor: View = (pixels, encoder) => {
  const taps = encodePixels(pixels, encoder)
  return [...taps.map(rowsOfMap), pooledTap(taps.at(-1) as Value)]
}

/** Bytes of a gallery: the taps of every image, and its descriptor. */
export const galleryBytes = ({ taps }: Pick<EncoderModel, 'taps'>, images: number): number =>
  4 * images * taps.reduce((n, t) => n + sizeOfMap(t), taps.at(-1)?.channels as number)

const weightBytes = ({ spec }: EncoderModel): number =>
  4 * spec.parameters.reduce((n, p) => n + sizeOf(p.shape), 0)

/** The global descriptor of images: the last tap averaged over its positions, [N, D]. @param map [N, D, h, w] */
export const pooledTap = (map: Value): Value => reduceMean(map, [2, 3])

/** Distances of images' descriptors [N, D] to those of the gallery [n, D]: [N, n]. */
function imageDistances(pooled: Value, gallery: Value): Value {
  const depth = pooled.shape[1] as number
  return sqrt(reduceSumSquare(sub(gallery, reshape(pooled, [-1, 1, depth])), [2]))
}

/** The k nearest images of the gallery, the earlier one of equals: distances and indices [N, k], nearest first. */
export function nearestImages(pooled: Value, gallery: Value, k: number) {
  const images = gallery.shape[0] as number
  return topK(imageDistances(pooled, gallery), Math.min(k, images), 1, { largest: false })
}

/**
 * Squared distance, but for ‖a‖², of every position to the nearest position, wherever it lies, of another image.
 * @param a positions of images, [N, positions, D], times −2
 * @param b those of one image of the gallery for each, of the same shape
 * @returns [N, positions, 1]
 */
export function nearestPositions(a: Value, b: Value): Value {
  // ‖a − b‖² = ‖a‖² + ‖b‖² − 2·aᵀb
  const norms = transpose(reduceSumSquare(b, [2], true), [0, 2, 1])
  return reduceMin(add(matMul(a, transpose(b, [0, 2, 1])), norms), [2], true)
}

/** @param gallery taps as rows [images, h·w, D], finest first, then the descriptors [images, D] */
export function spadeHead(gallery: readonly Tensor<'float32'>[], neighbours: number): Head {
  return {
    stage: 'neighbours',
    evidence(taps) {
      const values = gallery.map((t, k) => constant(t, `${galleryName}${k}`))
      const descriptors = values.pop() as Value
      const [distances, indices] = nearestImages(
        pooledTap(taps.at(-1) as Value),
        descriptors,
        neighbours,
      )
      const shapes = taps.map(mapShape)
      const { channels, height, width } = joinedShape(shapes)
      const query = reshape(rowsOfMap(joinNearest(taps)), [-1, height * width, channels])
      const doubled = scale(query, -2)
      const count = indices.shape[1] as number
      const nearest = split(indices, new Array<number>(count).fill(1), 1).map((index) => {
        const rows = values.map((tap) => gather(tap, reshape(index, [-1]), 0))
        return nearestPositions(doubled, joinRows(rows, shapes))
      })
      const squared = add(nearest.reduce(min), reduceSumSquare(query, [2], true))
      return {
        distances: reshape(sqrt(max(squared, scalar(0))), [-1, height, width]),
        score: reduceMean(distances, [1]),
      }
    },
    verdict: ({ distances, score }, size) => ({
      map: mapVerdict(distances as Value, size, { corners: 'half', blurred: true }).map,
      score: score as Value,
    }),
  }
}

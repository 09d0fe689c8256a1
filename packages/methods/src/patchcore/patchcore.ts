import { CflowError, Random, tensor, type Tensor } from '@cflow/base'
import { encodePixels, rowsOfMap, type Head, type Manifest, type Tap } from '@cflow/core'
import {
  add,
  averagePool,
  div,
  exp,
  gather,
  input,
  mul,
  range,
  reduceMax,
  reduceSum,
  reduceSumSquare,
  reshape,
  scalar,
  sizeOfAxis,
  sqrt,
  sub,
  topK,
  writeOnnx,
  type Value,
} from '@cflow/graph'
import * as z from 'zod'
import { greedyCoreset, rowsAt, vectorDraw } from '../coreset.js'
import { joinBilinear, joinedShape, mapShape } from '../features.js'
import { mapVerdict } from '../maps.js'
import {
  centred,
  memoryOf,
  nearestDistances,
  orderOfMemory,
  readMemory,
  type Memory,
} from '../memory.js'
import { encodeAll, method, type ExtensionJob, type Job } from '../method.js'
import { checkFileSize, commonDefaults, commonSettings, settingsOf } from '../settings.js'

const own = settingsOf('patchcore')
const count = (most: number) => z.int().min(1).max(most)
const settings = z.strictObject({
  ...commonSettings,
  joinedTaps: own('N', 'scales that are joined, from the finest', z.literal([1, 2, 3])),
  averaging: own('N', 'positions a side that a feature is averaged over', z.literal([1, 3, 5])),
  coreset: own(
    'SHARE',
    'feature vectors of the training images that are kept',
    z.number().gt(0).max(1),
  ),
  memory: own('N', 'feature vectors that are kept at most', count(10_000_000)),
  candidates: own('N', 'feature vectors that those are chosen from, at most', count(10_000_000)),
  support: own('N', 'neighbours that weigh the image score; 1: none', count(1000)),
})
type Config = z.infer<typeof settings>

/**
 * PatchCore (Roth et al. 2022): remember what good patches look like, as few feature vectors as cover all of them, and
 * measure how far the patches of an image are from the nearest one. The memory is in the detector file.
 */
export const patchcore = method({
  name: 'patchcore',
  title: 'PatchCore',
  settings,
  recipes: {
    default: {
      ...commonDefaults,
      joinedTaps: 2,
      averaging: 3,
      coreset: 0.1,
      memory: 10_000,
      candidates: 100_000,
      support: 9,
    },
  },
  prepare(config, { taps }, images) {
    const { channels } = joinedShape(joined(taps, config))
    const { kept } = counts(config, taps, images)
    checkFileSize(
      4 * kept * channels,
      `${kept} feature vectors of ${channels} numbers`,
      'memory',
      'keep fewer',
    )
    return {
      view: (pixels, e) => [rowsOfMap(patchMap(joined(encodePixels(pixels, e), config), config.averaging))], // prettier-ignore
    }
  },
  async learn(job) {
    const { config } = job
    const candidates = await drawnCandidates(job)
    const { kept } = counts(config, job.encoder.taps, job.training.length)
    const report = job.progress('select', kept)
    const { chosen } = await job.timed('select', () =>
      Promise.resolve(
        greedyCoreset(candidates, kept, Random.seeded(config.seed, 'patchcore coreset'), {
          onChosen: report,
        }),
      ),
    )
    const memory = rowsAt(candidates, chosen)
    const { joinedTaps, averaging, support } = config
    return {
      head: patchcoreHead(memoryOf(memory, memoryName), config),
      manifest: { settings: { memory: chosen.length, joinedTaps, averaging, support } },
    }
  },
  extension: {
    view(manifest) {
      const shape = shapeOf(manifest)
      return (pixels, e) => [rowsOfMap(patchMap(joined(encodePixels(pixels, e), shape), shape.averaging))] // prettier-ignore
    },
    extend,
  },
})

/** Of a detector file, what decides its head. */
function shapeOf({
  settings = {},
}: Manifest): Pick<Config, 'joinedTaps' | 'averaging' | 'support'> {
  return settings as ReturnType<typeof shapeOf>
}

/**
 * A memory with a coreset of what further images hold that it does not: of vectors that are farther from it than its own are
 * from each other, about as many as would have been kept of these images in a training.
 */
async function extend({ parts, features, training, runtime, timed, progress, seed }: ExtensionJob) {
  const known = readMemory(parts.constants, memoryName)
  if (!known)
    throw new CflowError('MODEL', 'the detector file was made by an earlier version', {
      hint: 'train it again',
    })
  const [, depth] = known.shape as readonly [number, number]
  const memory = memoryOf(known, memoryName)
  const queries = input('queries', 'float32', ['R', depth])
  const distances = nearestDistances(centred(queries, memory), memory)
  const session = await runtime.createSession(writeOnnx({ distances }))
  const far: Float32Array[] = []
  let all = 0
  for await (const [rows = new Float32Array()] of features.of(training)) {
    const count = rows.length / depth
    const got = await session.run({ queries: tensor('float32', [count, depth], rows) })
    const { data } = got['distances'] as Tensor<'float32'>
    all += count
    data.forEach((d, i) => d > 0 && far.push(rows.slice(i * depth, (i + 1) * depth)))
  }
  await session.release()
  const { length: drawn } = far
  const vectors = tensor('float32', [drawn, depth], new Float32Array(drawn * depth))
  far.forEach((v, i) => vectors.data.set(v, i * depth))
  const most = Math.min(drawn, Math.ceil((known.shape[0] as number) / 2), Math.ceil(all / 10))
  const onChosen = progress('select', most)
  const { chosen } = await timed(
    'select',
    () =>
    Promise.resolve(greedyCoreset(vectors, most, Random.seeded(seed, 'patchcore added'), { onChosen })), // prettier-ignore
  )
  const size = (known.shape[0] as number) + chosen.length
  const data = new Float32Array(size * depth)
  data.set(known.data)
  chosen.forEach((row, i) => data.set(far[row] as Float32Array, known.data.length + i * depth))
  const shape = shapeOf(parts.manifest)
  return {
    head: patchcoreHead(memoryOf(tensor('float32', [size, depth], data), memoryName), shape),
    manifest: { settings: { ...parts.manifest.settings, memory: size } },
  }
}

/** Name of the memory's constants in a detector file. */
const memoryName = 'patchcore'

/** The taps that are joined. */
const joined = <T>(taps: readonly T[], { joinedTaps }: Pick<Config, 'joinedTaps'>): readonly T[] =>
  taps.slice(0, joinedTaps)

/** Feature vectors that a coreset is chosen from, and those that are chosen. */
function counts({ coreset, memory, candidates }: Config, taps: readonly Tap[], images: number) {
  const { height, width } = joinedShape(taps)
  const all = images * height * width
  const drawn = Math.min(all, candidates)
  return { drawn, kept: Math.min(drawn, memory, Math.ceil(coreset * all)) }
}

/** Feature vectors of all training images [n, D], or as many at random, about equally many of each image. */
async function drawnCandidates(job: Job<Config>) {
  const { config, encoder, training } = job
  const { channels: depth } = joinedShape(joined(encoder.taps, config))
  const { drawn } = counts(config, encoder.taps, training.length)
  const random = Random.seeded(config.seed, 'patchcore candidates')
  const draw = vectorDraw(drawn, depth, training.length, random)
  await encodeAll(job, ([rows]) => draw.add(rows as Float32Array))
  return draw.vectors
}

/**
 * Locally aware patch features (section 3.1): every tap averaged over its neighbourhood, with zeros around it, coarser
 * ones resized bilinearly to the finest, channels one after the other.
 * @param taps [N, Dₖ, hₖ, wₖ], finest first @param averaging positions a side, odd
 */
export const patchMap = (taps: readonly Value[], averaging: number): Value =>
  joinBilinear(
    taps.map((tap) => (averaging === 1 ? tap : averagePool(tap, averaging))),
    'half',
  )

/** Distances to the memory, bilinear to the image's size, blurred; the score is that of the patch farthest from it. */
export const patchcoreHead = (
  memory: Memory,
  { joinedTaps, averaging, support }: Pick<Config, 'joinedTaps' | 'averaging' | 'support'>,
): Head => ({
  stage: 'neighbours',
  evidence(taps) {
    const map = patchMap(joined(taps, { joinedTaps }), averaging)
    const { height, width } = mapShape(map)
    const patches = centred(rowsOfMap(map), memory)
    const positions = height * width
    const distances = reshape(nearestDistances(patches, memory), [-1, positions])
    return {
      distances: reshape(distances, [-1, height, width]),
      score: imageScore(farthest(patches, distances, positions), memory, support),
    }
  },
  verdict: ({ distances, score }, size) => ({
    map: mapVerdict(distances as Value, size, { corners: 'half', blurred: true }).map,
    score: score as Value,
  }),
})

/** The patch of every image that has the largest distance, [N, D]. @param patches [N·positions, D] */
function farthest(patches: Value, distances: Value, positions: number): Value {
  const [, at] = topK(distances, 1, 1)
  const first = mul(range(sizeOfAxis(distances, 0)), scalar(positions, 'int64'))
  return gather(patches, add(first, reshape(at, [-1])), 0)
}

/**
 * Equations 6 and 7: the distance s* of a patch to the nearest vector m* of the memory, weighed by how usual m* is. Where
 * the vectors around m* are as far from the patch, the weight is 1 − 1/b; it is nearly 1 where all of them are farther.
 * @param patch [N, D], centred @param support b: vectors around m*, itself among them; without weight where it is one
 * @returns [N]
 */
function imageScore(patch: Value, memory: Memory, support: number): Value {
  const { vectors } = memory
  const [size, depth] = vectors.shape as readonly [number, number]
  const b = Math.min(support, size)
  const nearest = gather(vectors, flat(nearestRows(patch, memory, 1)), 0)
  const distance = sqrt(reduceSumSquare(sub(patch, nearest), [1]))
  if (b === 1) return distance
  const around = gather(vectors, flat(nearestRows(nearest, memory, b)), 0)
  const offsets = sub(reshape(around, [-1, b, depth]), reshape(patch, [-1, 1, depth]))
  const distances = sqrt(reduceSumSquare(offsets, [2]))
  // exp of distances that may be large: less the largest
  const largest = reduceMax(distances, [1])
  const share = div(
    exp(sub(distance, largest)),
    reduceSum(exp(sub(distances, reshape(largest, [-1, 1]))), [1]),
  )
  return mul(sub(scalar(1), share), distance)
}

/** Rows of a memory that are nearest to queries [N, D], nearest first: [N, k]. */
const nearestRows = (queries: Value, memory: Memory, k: number): Value =>
  topK(orderOfMemory(queries, memory), k, 1, { largest: false })[1]

const flat = (x: Value): Value => reshape(x, [-1])

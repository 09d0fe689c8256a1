import { Random, tensor, type Tensor } from '@cflow/base'
import { rowsOfMap, type FurtherScale, type Tap } from '@cflow/core'
import { constant, input, mul, neg, reshape, transpose, writeOnnx, type Value } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import { greedyCoreset, rowsAt, vectorDraw } from '../coreset.js'
import { joinBilinear, mapShape } from '../features.js'
import { centred, memoryOf, nearestDistances } from '../memory.js'
import type { Features, Job } from '../method.js'

/** Feature vectors that the coreset is chosen from, at most. */
const candidateCount = 40_000

/** Name of the constant in a detector file that distances are multiplied by. */
export const unitName = 'memory.unit'

/** The taps that are remembered: the finest two from stride 8 on, as far as they are averaged as they are the most. */
export function rememberedTaps(taps: readonly Tap[]): readonly number[] {
  const strides = [...new Set(taps.map((t) => t.stride))]
  const usual = strides.filter((stride) => stride >= 8)
  const chosen = (usual.length > 1 ? usual : strides).slice(0, 2)
  return chosen.map((stride) => mostAveraged(taps, (t) => t.stride === stride))
}

/** Those that a detector remembers, by the names in its manifest. */
export const rememberedBy = (taps: readonly Tap[], names: readonly string[]): readonly number[] =>
  names.map((name) => mostAveraged(taps, (t) => t.name === name))

function mostAveraged(taps: readonly Tap[], isOne: (tap: Tap) => boolean): number {
  const own = taps.flatMap((t, k) => (isOne(t) ? [k] : []))
  return own.reduce((a, b) => (sideOf(taps[b]) > sideOf(taps[a]) ? b : a))
}

const sideOf = (tap: Tap | undefined): number => tap?.neighbourhood ?? 1

/** The remembered taps of images, coarser ones resized bilinearly to the finest, channels one after the other. */
export const joined = (taps: readonly Value[], chosen: readonly number[]): Value =>
  joinBilinear(
    chosen.map((k) => taps[k] as Value),
    'half',
  )

/**
 * A scale beside those of the flows that remembers feature vectors of good images, a coreset of them (Roth et al. 2022,
 * PatchCore): what it says of a position is minus the distance to the nearest one, in units of the radius within which
 * the memory covers the training images. What flows have not seen often enough to learn, a memory need not learn.
 * @param count vectors that are kept
 */
export async function rememberedScale(
  job: Job<{ readonly seed: number }>,
  chosen: readonly number[],
  count: number,
): Promise<FurtherScale> {
  const { encoder, config, training } = job
  const taps = chosen.map((k) => encoder.taps[k] as Tap)
  const depth = taps.reduce((n, t) => n + t.channels, 0)
  const area = (taps[0] as Tap).height * (taps[0] as Tap).width
  const found = await job.once('memory', async () => {
    const drawn = Math.min(candidateCount, training.length * area)
    const random = Random.seeded(config.seed, 'memory candidates')
    const { vectors, add } = vectorDraw(drawn, depth, training.length, random)
    const { rowsOf, release } = await joiner(job.runtime, encoder.taps, chosen)
    for await (const features of job.features.of(training)) add(await rowsOf(features))
    await release()
    const report = job.progress('select', count)
    const { chosen: rows, radii } = await job.timed('select', () =>
      Promise.resolve(
        greedyCoreset(vectors, count, Random.seeded(config.seed, 'memory'), { onChosen: report }),
      ),
    )
    const radius = Math.max(radii.at(-1) ?? 0, 1e-6)
    return {
      vectors: rowsAt(vectors, rows),
      radius: tensor('float64', [1], Float64Array.of(Number.isFinite(radius) ? radius : 1)),
    }
  })
  const radius = found['radius']?.data[0] as number
  const vectors = found['vectors'] as Tensor<'float32'>
  // an unfinished detector may be looked at after every pass: its memory is the same
  let memory: ReturnType<typeof memoryOf> | undefined
  return {
    depth: 1,
    // it stands for every tap that it joins
    weight: chosen.length,
    likelihood(maps) {
      memory ??= memoryOf(vectors, 'memory')
      const map = joined(maps, chosen)
      const { height, width } = mapShape(map)
      const distances = nearestDistances(centred(rowsOfMap(map), memory), memory)
      const unit = constant(tensor('float32', [], Float32Array.of(1 / radius)), unitName)
      return reshape(neg(mul(distances, unit)), [-1, height, width])
    },
  }
}

/** Makes rows of the joined taps [area, ΣD] from those of every tap [h·w, D]. */
async function joiner(runtime: Runtime, taps: readonly Tap[], chosen: readonly number[]) {
  const maps = taps.map(({ channels, height, width }, k) => {
    const rows = input(`rows${k}`, 'float32', [height * width, channels])
    return transpose(reshape(rows, [1, height, width, channels]), [0, 3, 1, 2])
  })
  const session = await runtime.createSession(
    writeOnnx({ joined: rowsOfMap(joined(maps, chosen)) }),
  )
  return {
    async rowsOf(features: Features): Promise<Float32Array> {
      const feeds = chosen.map((k) => {
        const { channels, height, width } = taps[k] as Tap
        const rows = tensor('float32', [height * width, channels], features[k] as Float32Array)
        return [`rows${k}`, rows] as const
      })
      const got = await session.run(Object.fromEntries(feeds))
      return got['joined']?.data as Float32Array
    },
    release: () => session.release(),
  }
}

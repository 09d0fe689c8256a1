import { CflowError, Random, tensor, type Tensor } from '@cflow/base'
import { detectorNames, likelihoodHead, rowsOfMap, type ScaleStatistics } from '@cflow/core'
import {
  add,
  constant,
  input,
  max,
  mul,
  neg,
  reshape,
  resizeBilinear,
  scalar,
  scale,
  sub,
  transpose,
  writeOnnx,
  type Value,
} from '@cflow/graph'
import { greedyCoreset } from '../coreset.js'
import { mapShape } from '../features.js'
import { centred, memoryOf, nearestDistances } from '../memory.js'
import type { Extended, ExtensionJob } from '../method.js'
import { joined, rememberedBy, unitName } from './remembered.js'

/** Feature vectors that the added ones are chosen from, at most. */
const candidateCount = 20_000

/** Deviations below the mean likelihood of good images from which on some scale finds a position unusual. */
const unusual = 1

/**
 * A detector of flows whose memory grows by what it finds unusual in further good images. What is near an added vector is as
 * usual to every scale as it is to the memory; elsewhere nothing changes. No image that was usual becomes less so: a score
 * can only fall.
 * @throws CflowError USAGE for a detector without a memory, MODEL for one of an earlier version
 */
export async function extendFlows(job: ExtensionJob): Promise<Extended> {
  const { parts, features, training } = job
  const { manifest, constants } = parts
  const { memory, scales, aggregation, scoreShare = 0, smoothing = 0, encoder } = manifest
  if (!memory)
    throw new CflowError('USAGE', 'the detector remembers nothing that could be added to', {
      subject: 'remembered',
      hint: 'train it again with all images; detectors of the default recipe have a memory',
    })
  const unit = constants.get(unitName)?.data[0]
  if (typeof unit !== 'number')
    throw new CflowError('MODEL', 'the detector file was made by an earlier version', {
      hint: 'train it again',
    })
  const { taps } = encoder
  const chosen = rememberedBy(taps, memory.taps)
  const session = await job.runtime.createSession(extractor(job, chosen))
  const depth = chosen.reduce((n, k) => n + (taps[k]?.channels as number), 0)
  const share = Math.ceil(candidateCount / training.length)
  const random = Random.seeded(job.seed, 'added candidates')
  const candidates: Float32Array[] = []
  for await (const found of features.of(training)) {
    const feeds = taps.map(({ channels, height, width }, k) => {
      return [`rows${k}`, tensor('float32', [height * width, channels], found[k] as Float32Array)]
    })
    const got = await session.run(Object.fromEntries(feeds) as Record<string, Tensor>)
    const rows = got['joined']?.data as Float32Array
    const unusually = got['unusual']?.data as Float32Array
    const those = Array.from(random.permutation(unusually.length)).filter((p) => unusually[p]! > unusual) // prettier-ignore
    for (const p of those.slice(0, share)) candidates.push(rows.slice(p * depth, (p + 1) * depth))
  }
  await session.release()
  const added = await job.timed('select', () =>
    Promise.resolve(covering(candidates, depth, memory.vectors, 1 / unit, job)),
  )
  const names = scales.map((_, k) => detectorNames.logLikelihood(k))
  const label = `added${(manifest.history ?? []).length}`
  const head = likelihoodHead(scales, {
    aggregation,
    scoreShare,
    smoothing,
    likelihoods: (maps) => {
      const evidence = parts.evidence(maps)
      const likelihoods = names.map((name) => evidence[name] as Value)
      if (!added) return likelihoods
      return widened(likelihoods, scales, joined(maps, chosen), added, label, unit)
    },
  })
  const vectors = memory.vectors + (added?.shape[0] ?? 0)
  return { head, manifest: { memory: { ...memory, vectors } } }
}

/** Likelihoods, where a position is near an added vector those that are as usual as the distance to it. */
function widened(
  likelihoods: readonly Value[],
  scales: readonly ScaleStatistics[],
  map: Value,
  added: Tensor<'float32'>,
  label: string,
  unit: number,
): readonly Value[] {
  const vectors = memoryOf(added, label)
  const { height, width } = mapShape(map)
  const distances = nearestDistances(centred(rowsOfMap(map), vectors), vectors)
  const factor = constant(tensor('float32', [], Float32Array.of(unit)), `${label}.unit`)
  const near = reshape(neg(mul(distances, factor)), [-1, 1, height, width])
  const own = scales.at(-1) as ScaleStatistics
  return likelihoods.map((l, k) => {
    const [, h, w] = l.shape as readonly [unknown, number, number]
    const { mean, deviation } = scales[k] as ScaleStatistics
    const resized = h === height && w === width ? near : resizeBilinear(near, h, w, 'half')
    const as = scale(sub(reshape(resized, [-1, h, w]), scalar(own.mean)), deviation / own.deviation)
    return max(l, add(as, scalar(mean)))
  })
}

/** From rows of the taps to those that are remembered, and by how many deviations the scale that is most so finds them unusual. */
function extractor({ parts }: ExtensionJob, chosen: readonly number[]): Uint8Array {
  const { scales, encoder } = parts.manifest
  const maps = encoder.taps.map(({ channels, height, width }, k) => {
    const rows = input(`rows${k}`, 'float32', [height * width, channels])
    return transpose(reshape(rows, [1, height, width, channels]), [0, 3, 1, 2])
  })
  const evidence = parts.evidence(maps)
  const map = joined(maps, chosen)
  const { height, width } = mapShape(map)
  const deviations = scales.map(({ mean, deviation }, k) => {
    const l = evidence[detectorNames.logLikelihood(k)] as Value
    const [, h, w] = l.shape as readonly [unknown, number, number]
    const low = scale(sub(scalar(mean), l), 1 / deviation)
    const own = reshape(low, [1, 1, h, w])
    return reshape(h === height && w === width ? own : resizeBilinear(own, height, width, 'half'), [-1]) // prettier-ignore
  })
  return writeOnnx({ joined: rowsOfMap(map), unusual: deviations.reduce(max) })
}

/** As few of the vectors as have all of them within a radius, or so many as there may be. */
function covering(
  candidates: readonly Float32Array[],
  depth: number,
  most: number,
  radius: number,
  { seed, progress }: ExtensionJob,
): Tensor<'float32'> | undefined {
  if (candidates.length === 0) return undefined
  const all = tensor('float32', [candidates.length, depth], new Float32Array(candidates.length * depth)) // prettier-ignore
  candidates.forEach((v, i) => all.data.set(v, i * depth))
  const onChosen = progress('select', Math.min(most, candidates.length))
  const { chosen, radii } = greedyCoreset(all, most, Random.seeded(seed, 'added'), { onChosen })
  const rows = chosen.filter((_, i) => (radii[i] as number) > radius)
  const kept = new Float32Array(rows.length * depth)
  rows.forEach((row, i) => kept.set(candidates[row] as Float32Array, i * depth))
  return tensor('float32', [rows.length, depth], kept)
}

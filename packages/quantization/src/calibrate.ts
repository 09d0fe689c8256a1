import { CflowError, imageTensor } from '@cflow/base'
import { detectorNames } from '@cflow/core'
import * as g from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import type { Images } from './images.js'

/** Smallest and largest value of a tensor that quantisation keeps apart; what lies outside saturates. */
export interface Range {
  readonly low: number
  readonly high: number
}

export type Ranges = ReadonlyMap<g.Value, Range>

/** The byte scale of a range, widened to hold 0 (padding and ReLU need it exactly). */
export function byteScale({ low, high }: Range): g.ByteScale {
  const [lo, hi] = [Math.min(low, 0), Math.max(high, 0)]
  const scale = Math.fround(Math.max((hi - lo) / 255, 1e-20))
  return { scale, zero: Math.min(Math.max(Math.round(-lo / scale), 0), 255) }
}

/** A range with both ends moved away from (or towards) 0. */
export const scaled = ({ low, high }: Range, by: number): Range => ({
  low: low * by,
  high: high * by,
})

/** From the smallest to the largest value that images give: `minmax`. @throws as `overImages`, MODEL when one is not finite */
export async function fullRanges(
  runtime: Runtime,
  points: readonly g.Value[],
  images: Images,
): Promise<Ranges> {
  const ranges = points.map(() => ({ low: Infinity, high: -Infinity }))
  const graph = points.flatMap((p) => [g.reduceMin(p, axesOf(p)), g.reduceMax(p, axesOf(p))])
  for await (const got of overImages(runtime, graph, images))
    ranges.forEach((range, i) => {
      range.low = Math.min(range.low, got[2 * i] as number)
      range.high = Math.max(range.high, got[2 * i + 1] as number)
      if (!Number.isFinite(range.low) || !Number.isFinite(range.high))
        throw new CflowError('MODEL', 'the detector computes numbers that are not finite')
    })
  return new Map(points.map((p, i) => [p, ranges[i] as Range]))
}

/** Shares of the full range that `clippedRanges` tries. */
const shares = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]

/** The share of each range that loses least, in squared error: clips rare extremes, resolves the rest better: `mse`. */
export async function clippedRanges(
  runtime: Runtime,
  full: Ranges,
  images: Images,
): Promise<Ranges> {
  const tried = [...full].flatMap(([p, range]) =>
    shares.map((share) => ({ p, range: scaled(range, share) })),
  )
  const graph = tried.map(({ p, range }) => {
    const by = byteScale(range)
    return g.reduceSumSquare(g.sub(p, g.dequantize(g.quantize(p, by), by)), axesOf(p))
  })
  const errors = tried.map(() => 0)
  for await (const got of overImages(runtime, graph, images))
    got.forEach((error, i) => (errors[i]! += error))
  return new Map(
    [...full.keys()].map((p, i) => {
      const own = errors.slice(i * shares.length, (i + 1) * shares.length)
      return [p, tried[i * shares.length + own.indexOf(Math.min(...own))]!.range]
    }),
  )
}

const axesOf = (v: g.Value): number[] => v.shape.map((_, i) => i)

/**
 * Single numbers that a graph computes of each image: extremes and errors are taken inside the graph, so that no
 * activation leaves the runtime.
 * @throws CflowError EMPTY without images
 */
async function* overImages(
  runtime: Runtime,
  graph: readonly g.Value[],
  images: Images,
): AsyncGenerator<readonly number[], undefined> {
  const outputs = graph.map((v, i) => [`n${i}`, v] as const)
  const session = await runtime.createSession(g.writeOnnx(Object.fromEntries(outputs)))
  let count = 0
  try {
    for await (const image of images()) {
      const got = await session.run({ [detectorNames.image]: imageTensor(image) })
      yield outputs.map(([name]) => Number(got[name]?.data[0]))
      count++
    }
  } finally {
    await session.release()
  }
  if (count === 0)
    throw new CflowError('EMPTY', 'there are no images to calibrate on', {
      hint: 'give a folder of good images, such as those the detector was trained on',
    })
  return undefined
}

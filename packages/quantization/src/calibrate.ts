import { CflowError, tensor } from '@cflow/base'
import type { RgbImage, Tensor } from '@cflow/base'
import { detectorNames } from '@cflow/core'
import {
  dequantize,
  quantize,
  reduceMax,
  reduceMin,
  reduceSumSquare,
  sub,
  writeOnnx,
} from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { Runtime, Tensors } from '@cflow/runtimes'
import { byteScale, scaled } from './ranges.js'
import type { Range, Ranges } from './ranges.js'
import type { Structure } from './structure.js'

/** Images, the same ones at every call. */
export type Images = () => AsyncIterable<RgbImage>

/** The feed of a detector: one image. */
export const feedOf = ({ width, height, data }: RgbImage): Record<string, Tensor> => ({
  [detectorNames.image]: tensor('uint8', [1, height, width, 3], data),
})

/**
 * - `minmax`: from the smallest to the largest value seen
 * - `mse`: the share of that range that loses least, in squared error: clips rare extremes, resolves the rest better
 */
export type RangeMethod = 'minmax' | 'mse'

const axesOf = (v: Value): number[] => v.shape.map((_, i) => i)

/** Shares of the full range that `mse` tries. */
const shares = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]

/**
 * Ranges of all points of a graph over images. Extremes and errors are taken inside the graph, so that no activation
 * leaves the runtime.
 * @throws CflowError EMPTY without images, MODEL when an activation is not finite
 */
export async function calibrate(
  runtime: Runtime,
  structure: Structure,
  images: Images,
  method: RangeMethod,
): Promise<Ranges> {
  const full = await extremes(runtime, structure.points, images)
  if (method === 'minmax') return full
  const error = new Map(structure.points.map((p) => [p, shares.map(() => 0)] as const))
  const outputs: Record<string, Value> = {}
  structure.points.forEach((p, i) =>
    shares.forEach((share, s) => {
      const by = byteScale(scaled(full.get(p) as Range, share))
      outputs[`e${i}_${s}`] = reduceSumSquare(sub(p, dequantize(quantize(p, by), by)), axesOf(p))
    }),
  )
  await each(runtime, outputs, images, (got) =>
    structure.points.forEach((p, i) => {
      const sums = error.get(p) as number[]
      shares.forEach((_, s) => (sums[s]! += Number(got[`e${i}_${s}`]?.data[0])))
    }),
  )
  return new Map(
    structure.points.map((p) => {
      const sums = error.get(p) as number[]
      const best = sums.indexOf(Math.min(...sums))
      return [p, scaled(full.get(p) as Range, shares[best] as number)]
    }),
  )
}

async function extremes(
  runtime: Runtime,
  points: readonly Value[],
  images: Images,
): Promise<Ranges> {
  const outputs: Record<string, Value> = {}
  points.forEach((p, i) => {
    outputs[`low${i}`] = reduceMin(p, axesOf(p))
    outputs[`high${i}`] = reduceMax(p, axesOf(p))
  })
  const ranges = new Map<Value, Range>()
  await each(runtime, outputs, images, (got) =>
    points.forEach((p, i) => {
      const before = ranges.get(p) ?? { low: Infinity, high: -Infinity }
      const low = Math.min(before.low, Number(got[`low${i}`]?.data[0]))
      const high = Math.max(before.high, Number(got[`high${i}`]?.data[0]))
      if (!Number.isFinite(low) || !Number.isFinite(high))
        throw new CflowError('MODEL', 'the detector computes numbers that are not finite')
      ranges.set(p, { low, high })
    }),
  )
  return ranges
}

async function each(
  runtime: Runtime,
  outputs: Readonly<Record<string, Value>>,
  images: Images,
  use: (got: Tensors) => void,
): Promise<void> {
  const session = await runtime.createSession(writeOnnx(outputs))
  let count = 0
  try {
    for await (const image of images()) {
      use(await session.run(feedOf(image)))
      count++
    }
  } finally {
    await session.release()
  }
  if (count === 0)
    throw new CflowError('EMPTY', 'there are no images to calibrate on', {
      hint: 'give a folder of good images, such as those the detector was trained on',
    })
}

import { Random, imageTensor, sizeOf, type AnyAbortSignal } from '@cflow/base'
import { detectorNames } from '@cflow/core'
import type { Runtime, Tensors } from '@cflow/runtimes'
import * as z from 'zod'
import type { Recipe } from '../trial.js'
import { flowConfigOf, flowSize } from '../complexity/flow.js'
import { uniform } from '../complexity/weights.js'
import { cflowFile, encoderFile, padimPart, randomEncoder, spadePart } from './models.js'

/** Milliseconds of one image and bytes of each model, for one encoder at one input size. */
export const speedSchema = z.object({
  encoder: z.string(),
  inputSize: z.int(),
  bytes: z.object({
    /** All numbers of the encoder up to its last tap. */
    encoder: z.number(),
    /** Flows as the authors store them, rotations and their inverses included. */
    cflow: z.number(),
    /** The whole detector file as it is here, with all that can be folded. */
    cflowFile: z.number(),
    padim: z.number(),
    spade: z.number(),
  }),
  milliseconds: z.object({
    encoder: z.number(),
    cflow: z.number(),
    padim: z.number().optional(),
    spade: z.number().optional(),
  }),
  /** Part of PaDiM's matrices that was measured; the rest is in proportion. */
  padimShare: z.number().optional(),
})
export type Speed = z.infer<typeof speedSchema>

export interface SpeedOptions {
  readonly encoder: string
  readonly inputSize: number
  readonly recipe: Recipe
  /** Whether PaDiM and SPADE are measured too. */
  readonly others: boolean
  /** Training images of SPADE's gallery. */
  readonly images: number
  /** Seconds that each measurement goes on for. */
  readonly seconds: number
  readonly runtime: Runtime
  readonly signal?: AnyAbortSignal | undefined
}

/**
 * Measure one image at a time, decoding not included. Weights are random, since speed does not depend on them. What does
 * not fit in memory together is measured in parts: SPADE one neighbour at a time, times their number; of PaDiM's
 * matrices so many rows of positions as fit, the rest in proportion.
 */
export async function measureSpeed(options: SpeedOptions): Promise<Speed> {
  const { encoder, inputSize, recipe, others, images } = options
  const model = randomEncoder(encoder, inputSize)
  const random = Random.seeded(0, 'image')
  const pixels = Uint8Array.from({ length: inputSize ** 2 * 3 }, () => random.integer(256))
  const image = { [detectorNames.image]: imageTensor({ width: inputSize, height: inputSize, data: pixels }) } // prettier-ignore
  const time = (file: Uint8Array, feeds: Tensors) => medianTime(options, file, feeds)

  const encoded = await time(encoderFile(model), image)
  const matrices = padimPart(model)
  const spade = spadePart(model, images)
  const other = others && { padim: encoded + (await padimTime()), spade: encoded + (await spadeTime()) } // prettier-ignore
  const file = cflowFile(model, recipe)
  const cflow = await time(file, image)
  return {
    encoder,
    inputSize,
    bytes: {
      encoder: 4 * model.spec.parameters.reduce((n, p) => n + sizeOf(p.shape), 0),
      cflow: 4 * model.taps.reduce((n, t) => n + flowSize(flowConfigOf(t.channels, recipe)).stored, 0), // prettier-ignore
      cflowFile: file.length,
      padim: matrices.bytes,
      spade: spade.bytes,
    },
    milliseconds: { encoder: encoded, cflow, ...other },
    ...(others && { padimShare: matrices.share }),
  }

  async function padimTime(): Promise<number> {
    const filled = (...shape: readonly number[]) => uniform(random, shape, 0, 1)
    const maps = model.taps.map((t, k) => [`tap${k}`, filled(1, t.channels, t.height, t.width)])
    const join = await time(matrices.join, Object.fromEntries(maps) as Tensors)
    const distances = await time(matrices.distances, { map: filled(...matrices.map) })
    const { draw } = spadePart(model, 1)
    return join + distances / matrices.share + (await time(draw.file, draw.feeds))
  }

  async function spadeTime(): Promise<number> {
    const { search, compare, draw, neighbours } = spade
    const found = await time(search.file, search.feeds)
    const one = await time(compare.file, compare.feeds)
    return found + neighbours * one + (await time(draw.file, draw.feeds))
  }
}

/** Milliseconds of one call: the median after a warm-up, over as many calls as fit in the time, three at least. */
async function medianTime(
  { runtime, seconds, signal }: SpeedOptions,
  file: Uint8Array,
  feeds: Tensors,
): Promise<number> {
  const session = await runtime.createSession(file)
  try {
    await session.run(feeds)
    const times: number[] = []
    const until = performance.now() + seconds * 1000
    while (times.length < 3 || (performance.now() < until && times.length < 50)) {
      signal?.throwIfAborted()
      const began = performance.now()
      await session.run(feeds)
      times.push(performance.now() - began)
    }
    times.sort((a, b) => a - b)
    return times[Math.floor(times.length / 2)] as number
  } finally {
    await session.release()
  }
}

import { tensor } from '@cflow/base'
import { encodePixels, rowsOfMap, type Head } from '@cflow/core'
import type { EncoderModel } from '@cflow/encoders'
import {
  constant,
  matMul,
  reduceSumSquare,
  reshape,
  sqrt,
  sub,
  transpose,
  type Value,
} from '@cflow/graph'
import * as z from 'zod'
import { joinNearest, joinedShape, mapShape } from '../features.js'
import { mapVerdict } from '../maps.js'
import { encodeAll, method } from '../method.js'
import { checkFileSize, checkInputSize, commonDefaults, commonSettings, settingsOf } from '../settings.js' // prettier-ignore
import {
  defaultChannels,
  padimBytes,
  padimSums,
  randomChannels,
  type PadimModel,
} from './estimate.js'

const own = settingsOf('padim')
const settings = z.strictObject({
  ...commonSettings,
  /** By default PaDiM's own number for the encoder. */
  channels: own(
    'N',
    'padim: random channels that are kept',
    z.int().min(1).max(100_000).optional(),
  ),
  regularisation: own('X', 'padim: added to every variance', z.number().positive().max(1000)),
})

/** PaDiM (Defard et al. 2021): a Gaussian at every position of the joined taps, from one pass over the images. */
export const padim = method({
  name: 'padim',
  title: 'PaDiM',
  settings,
  recipes: { default: { ...commonDefaults, regularisation: 0.01 } },
  check: (config) => checkInputSize(config),
  prepare(config, encoder) {
    const { height, width } = joinedShape(encoder.taps)
    const channels = channelsOf(config, encoder)
    checkFileSize(
      padimBytes(height * width, channels.length),
      `${channels.length} channels at ${height}×${width} positions`,
      'channels',
      'use fewer channels or a smaller input size',
    )
    return {
      view: (pixels, e) => [rowsOfMap(joinNearest(encodePixels(pixels, e), channels))],
    }
  },
  async learn(job) {
    const { config, encoder } = job
    const { height, width } = joinedShape(encoder.taps)
    const channels = channelsOf(config, encoder)
    const sums = padimSums(height * width, channels.length)
    await encodeAll(job, ([rows]) => sums.add(rows as Float32Array))
    const { regularisation } = config
    const report = job.progress('whiten', height * width)
    const gaussians = await job.timed('whiten', () =>
      Promise.resolve(sums.gaussians(regularisation, report)),
    )
    return {
      head: padimHead(gaussians, channels),
      manifest: { settings: { channels: channels.length, regularisation } },
    }
  },
})

function channelsOf(
  config: z.infer<typeof settings>,
  { taps, spec }: EncoderModel,
): readonly number[] {
  const all = joinedShape(taps).channels
  return randomChannels(all, config.channels ?? defaultChannels(spec.name, all), config.seed)
}

/**
 * Mahalanobis distance of every position, ‖L⁻¹(z − μ)‖: one batched product over the positions.
 * @param map features [N, d, h, w] of the model's channels
 * @returns [N, h, w]
 */
export function mahalanobisMap(map: Value, model: PadimModel): Value {
  const { height: h, width: w } = mapShape(map)
  const { positions, depth: d } = model
  const rows = reshape(transpose(map, [2, 3, 0, 1]), [positions, -1, d])
  const mean = constant(tensor('float32', [positions, 1, d], model.mean), 'padim.mean')
  const factor = constant(tensor('float32', [positions, d, d], model.factor), 'padim.factor')
  const squared = reduceSumSquare(matMul(sub(rows, mean), factor), [2])
  return reshape(transpose(sqrt(squared), [1, 0]), [-1, h, w])
}

/** Mahalanobis distances, bilinear to the image's size, blurred; the score is the map's maximum. */
const padimHead = (model: PadimModel, channels: readonly number[]): Head => ({
  stage: 'distances',
  evidence: (taps) => ({ distances: mahalanobisMap(joinNearest(taps, channels), model) }),
  verdict: ({ distances }, size) =>
    mapVerdict(distances as Value, size, { corners: 'half', blurred: true }),
})

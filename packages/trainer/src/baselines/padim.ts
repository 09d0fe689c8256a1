import { CflowError } from '@cflow/base'
import {
  addToPadim,
  defaultChannels,
  joinNearest,
  joinedShape,
  padimBytes,
  padimFrom,
  padimHead,
  padimSums,
  randomChannels,
} from '@cflow/methods'
import { encodePixels, rowsOfMap } from '@cflow/core'
import type { EncoderModel } from '../encoding.js'
import { stageProgress } from '../progress.js'
import type { PadimConfig } from './config.js'
import type { FileMethod } from './job.js'

/** The limit of ONNX files. */
const mostBytes = 2 ** 31 - 1

function channelsOf(config: PadimConfig, model: EncoderModel): readonly number[] {
  const { depth } = joinedShape(model.scales)
  const count = config.channels ?? defaultChannels(model.spec.name, depth)
  return randomChannels(depth, count, config.seed)
}

/** PaDiM: a Gaussian at every position of the joined taps, from one pass over the images. */
export const padim: FileMethod<PadimConfig> = {
  levels: () => 1,
  rotation: () => 0,
  featureLength: () => Infinity, // read once
  view: (config, model) => (pixels, encoder) => [
    rowsOfMap(joinNearest(encodePixels(pixels, encoder), channelsOf(config, model))),
  ],
  check(config, model) {
    const { height, width } = joinedShape(model.scales)
    const channels = channelsOf(config, model).length
    const bytes = padimBytes(height * width, channels)
    if (bytes > mostBytes)
      throw new CflowError(
        'USAGE',
        `${channels} channels at ${height}×${width} positions make a file of ${(bytes / 1e9).toFixed(1)} GB`,
        {
          subject: 'channels',
          hint: 'ONNX files hold 2 GB: use fewer channels or a smaller input size',
        },
      )
  },
  async learn(job) {
    const { config, model, images, training, clock } = job
    const { height, width } = joinedShape(model.scales)
    const channels = channelsOf(config, model)
    const sums = padimSums(height * width, channels.length)
    await clock.timed('encode', async () => {
      const report = stageProgress('encode', training.length, job)
      for await (const [rows] of images.features(training)) {
        addToPadim(sums, rows as Float32Array)
        report(sums.images)
      }
    })
    const gaussians = await clock.timed('whiten', () => {
      const report = stageProgress('whiten', sums.positions, job)
      return Promise.resolve(padimFrom(sums, config.regularisation, report))
    })
    return {
      head: padimHead(gaussians, channels),
      settings: { channels: channels.length, regularisation: config.regularisation },
      history: [],
    }
  },
}

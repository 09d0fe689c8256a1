import { CflowError, type RgbImage } from '@cflow/base'
import { decodeImage } from '@cflow/datasets/node'
import { loadDetector } from '@cflow/detector'
import * as z from 'zod'
import { defineCommand } from '../command.js'
import { exitCodes } from '../exit-codes.js'
import { errorText, Interrupted } from '../failure.js'
import { findTargets, type Found, type Target } from '../predict/paths.js'
import { formats, rowsOf, type Prediction } from '../predict/rows.js'
import { clock, statusLine } from '../progress/reporter.js'
import { deviceOptions } from '../settings/machine.js'
import { usage } from '../settings/parse.js'
import { dir, machineShape, outFolder, outputShape, overwrite, text, toggle } from '../settings/schema.js' // prettier-ignore
import { grouped } from '../settings/settings.js'

const schema = z.object({
  ...grouped('verdict', {
    falsePositiveRate: z.number().gt(0).lt(1).optional().meta({
      help: 'share of good images that may be reported',
      otherwise: 'the stored one',
      placeholder: 'RATE',
    }),
    threshold: z.number().optional().meta({
      help: 'score above which an image is anomalous, in place of a rate',
      placeholder: 'X',
    }),
    failOnAnomaly: toggle(`exit code ${exitCodes.anomaly} when an image is anomalous`),
  }),
  ...machineShape,
  out: outFolder('folder for heat maps over the images (PNG)'),
  ...grouped('output', {
    masks: text('folder for the anomalous pixels (PNG, 0 and 255)', dir),
    maps: text('folder for the anomaly maps (TIFF, float32)', dir),
    overwrite,
    format: z
      .enum(formats)
      .optional()
      .meta({ help: 'of the results on standard output', otherwise: 'table; json with --json' }),
  }),
  ...outputShape,
})

/** `cflow predict`: scores, verdicts and heat maps of images. One that fails is reported, and the rest goes on. */
export const command = defineCommand({
  arguments: { model: 'detector file (model.onnx)', paths: 'images, folders of images, or globs' },
  settings: schema,
  async run(session, settings, path: string, args: readonly string[]) {
    const { out, masks, maps, falsePositiveRate, threshold, failOnAnomaly } = settings
    const { format = session.json ? 'json' : 'table' } = settings
    session.json = format === 'json'
    if (threshold !== undefined && falsePositiveRate !== undefined)
      throw usage('--threshold', '--threshold and --false-positive-rate exclude each other')
    const found = await findTargets(args)
    const { targets } = found
    const folders = { out, masks, maps }
    // what draws is loaded only where files are wanted: without them a prediction starts sooner
    const files =
      (out ?? masks ?? maps) === undefined
        ? undefined
        : await (await import('../predict/outputs.js')).outputsOf(folders, targets, settings.overwrite) // prettier-ignore
    const detector = await loadDetector(path, deviceOptions(settings))
    await files?.prepare()
    const options = {
      ...{ falsePositiveRate, threshold },
      parts: { contributions: false, map: files !== undefined },
    }
    const rows = rowsOf(format, session)
    session.broken = rows.fail
    const tally: Tally = { images: 0, anomalous: 0, failed: 0 }
    const progress = progressOf(format === 'table', session, targets.length)
    const add = (prediction: Prediction) => {
      progress.clear()
      rows.add(prediction)
      if ('error' in prediction) tally.failed++
      else tally.images++
      if ('anomalous' in prediction && prediction.anomalous) tally.anomalous++
      progress.show(tally.images + tally.failed)
    }
    try {
      let next = decoded(targets[0])
      for (const [index, target] of targets.entries()) {
        session.io.signal.throwIfAborted()
        const { image, error } = await next
        next = decoded(targets[index + 1]) // while the detector runs
        try {
          if (!image) throw error
          const detection = await detector.detect(image, options)
          const { score, threshold, anomalous, pValue, anomalyMap } = detection
          const verdict = { score, threshold, anomalous, pValue }
          const drawn = anomalyMap && files?.write(target.path, image, { ...verdict, anomalyMap })
          const paths = await drawn
          add({ path: target.path, ...verdict, ...paths })
        } catch (problem) {
          // a runtime that fails or a full disk is wrong with all images
          const ofThisImage = problem instanceof CflowError && (!image || problem.code === 'IMAGE')
          if (!ofThisImage || problem.code === 'RUNTIME') throw problem
          add({ path: target.path, error: problem.message, code: problem.code })
          progress.clear()
          session.io.err(errorText(problem))
          session.exitCode = exitCodes.failure
        }
      }
    } catch (error) {
      progress.clear()
      if (!session.io.signal.aborted) throw error
      const done = tally.images + tally.failed
      throw new Interrupted(`interrupted after ${done} of ${targets.length}: ${summary(tally)}`)
    }
    progress.clear()
    rows.end()
    await detector.release()
    session.io.err(`${[summary(tally), ...leftOut(found)].join('\n')}\n`)
    if (failOnAnomaly && tally.anomalous > 0) session.exitCode ||= exitCodes.anomaly
  },
})

interface Tally {
  images: number
  anomalous: number
  failed: number
}

/** The image, or why there is none. Never rejects: a failure is told when the image's turn comes. */
async function decoded(target: Target | undefined): Promise<{ image?: RgbImage; error?: unknown }> {
  if (target === undefined || 'error' in target) return { ...target }
  return decodeImage(target.path).then(
    (image) => ({ image }),
    (error: unknown) => ({ error }),
  )
}

/** Progress where the results do not show it: on a terminal that does not show them, or into a log beside a file of them. */
function progressOf(isTable: boolean, session: Parameters<typeof statusLine>[0], total: number) {
  const { io } = session
  const line = statusLine(session)
  const shown = io.isTerminal !== true && !(isTable && io.columns === undefined)
  const began = performance.now()
  return {
    show(done: number) {
      const seconds = (performance.now() - began) / 1000
      const left = clock((seconds / done) * (total - done))
      if (shown) line.show(() => `predict  ${done}/${total}  ${(done / seconds).toFixed(1)} images/s  ${left} left`) // prettier-ignore
    },
    clear: () => line.end(),
  }
}

function summary({ images, anomalous, failed }: Tally): string {
  const failures = failed > 0 ? `, ${failed} could not be read` : ''
  return `${images} image${images === 1 ? '' : 's'}, ${anomalous} anomalous${failures}`
}

/** What was passed over, a line for each reason. */
function leftOut({ made, others }: Found): readonly string[] {
  const some = (paths: readonly string[], what: string) => {
    const [first] = paths
    if (first === undefined) return []
    const more = paths.length > 1 ? ` and ${paths.length - 1} more` : ''
    return [`left out: ${first}${more}, ${what}`]
  }
  return [
    ...some(made, 'written by predict or inspect'),
    ...some(others, 'no image by its name; name a file itself to have it read'),
  ]
}

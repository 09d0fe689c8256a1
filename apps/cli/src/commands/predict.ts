import { CflowError, type RgbImage } from '@cflow/base'
import { decodeImage } from '@cflow/datasets/node'
import { loadDetector, type Detection } from '@cflow/detector'
import * as z from 'zod'
import { defineCommand } from '../command.js'
import { errorText } from '../failure.js'
import { note, printJson } from '../io.js'
import { findImages, type Target } from '../predict/paths.js'
import { deviceOptions } from '../settings/machine.js'
import { machineShape, outFolder, outputShape } from '../settings/schema.js'

const schema = z.object({
  falsePositiveRate: z.number().gt(0).lt(1).optional().meta({
    help: 'share of good images that may be reported',
    otherwise: 'the stored one',
    placeholder: 'RATE',
  }),
  ...machineShape,
  out: outFolder('folder for heat maps over the images (PNG)'),
  ...outputShape,
})

/** `cflow predict`: scores, verdicts and heat maps of images. One that fails is reported, and the rest goes on. */
export const command = defineCommand({
  arguments: { model: 'detector file (model.onnx)', paths: 'images, folders of images, or globs' },
  settings: schema,
  async run(session, settings, path: string, args: readonly string[]) {
    const { out, falsePositiveRate } = settings
    const targets = await findImages(args)
    const detector = await loadDetector(path, deviceOptions(settings))
    // what draws overlays is loaded only now: without them a prediction starts sooner
    const overlays =
      out === undefined
        ? undefined
        : await (await import('../predict/overlays.js')).overlayWriter(out, targets)
    const options = {
      ...(falsePositiveRate !== undefined && { falsePositiveRate }),
      parts: { contributions: false, map: out !== undefined },
    }
    const predictions: Prediction[] = []
    if (!session.json) session.io.out(line('verdict', 'score', 'p-value', 'image'))
    let next = decoded(targets[0])
    for (const [index, target] of targets.entries()) {
      session.io.signal.throwIfAborted()
      const { image, error } = await next
      next = decoded(targets[index + 1]) // while the detector runs
      let prediction: Prediction
      try {
        if (!image) throw error
        const detection = await detector.detect(image, options)
        const { score, threshold, anomalous, pValue, anomalyMap } = detection
        const drawn = anomalyMap && overlays?.(target.path, image, { anomalyMap, threshold })
        const overlay = await drawn
        const verdict = { score, threshold, anomalous, pValue }
        prediction = { path: target.path, ...verdict, ...(overlay !== undefined && { overlay }) }
      } catch (problem) {
        // a runtime that fails or a full disk is wrong with all images
        const ofThisImage = problem instanceof CflowError && (!image || problem.code === 'IMAGE')
        if (!ofThisImage || problem.code === 'RUNTIME') throw problem
        prediction = { path: target.path, error: problem.message, code: problem.code }
        session.io.err(errorText(problem))
        session.exitCode = 1
      }
      predictions.push(prediction)
      if (!session.json) session.io.out(lineOf(prediction))
    }
    await detector.release()
    if (session.json) printJson(session, predictions)
    else note(session, tally(predictions))
  },
})

/** The image, or why there is none. Never rejects: a failure is told when the image's turn comes. */
async function decoded(target: Target | undefined): Promise<{ image?: RgbImage; error?: unknown }> {
  if (target === undefined || 'error' in target) return { ...target }
  return decodeImage(target.path).then(
    (image) => ({ image }),
    (error: unknown) => ({ error }),
  )
}

function tally(predictions: readonly Prediction[]): string {
  const errors = predictions.filter((p) => 'error' in p).length
  const anomalous = predictions.filter((p) => 'anomalous' in p && p.anomalous).length
  const images = predictions.length - errors
  const failures = errors > 0 ? `, ${errors} could not be read` : ''
  return `${images} image${images === 1 ? '' : 's'}, ${anomalous} anomalous${failures}`
}

/** What is reported of one image; `overlay` is the heat map over it, where one was written. */
type Prediction = { readonly path: string } & (
  | (Pick<Detection, 'score' | 'threshold' | 'anomalous' | 'pValue'> & {
      readonly overlay?: string
    })
  | { readonly error: string; readonly code: string }
)

/** A line of the table; the path comes last, so that lines can be printed as they are made. */
const line = (verdict: string, score: string, pValue: string, path: string): string =>
  `${verdict.padEnd(10)}${score.padStart(12)}${pValue.padStart(9)}  ${path}\n`

const lineOf = (p: Prediction): string =>
  'error' in p
    ? line('error', '–', '–', p.path)
    : line(p.anomalous ? 'ANOMALOUS' : 'good', p.score.toPrecision(6), p.pValue.toFixed(3), p.path)

import { CflowError } from '@cflow/base'
import type { RgbImage } from '@cflow/base'
import { decodeImage } from '@cflow/datasets/node'
import { loadDetector } from '@cflow/detector'
import { errorText } from '../failure.js'
import { note, printJson } from '../io.js'
import type { Session } from '../io.js'
import { overlayWriter } from '../predict/overlay-writer.js'
import { findImages } from '../predict/paths.js'
import type { Target } from '../predict/paths.js'
import { failed, tableHead, tableRow } from '../predict/row.js'
import type { Prediction } from '../predict/row.js'
import { deviceOptions } from '../settings/device.js'
import { resolveSettings } from '../settings/resolve.js'
import { predictSchema } from '../settings/schema.js'

/** `cflow predict`: scores, verdicts and heat maps of images. One that fails is reported, and the rest goes on. */
export async function predict(
  session: Session,
  path: string,
  args: readonly string[],
  flags: object,
): Promise<void> {
  const settings = await resolveSettings(session, flags, predictSchema)
  const { out, falsePositiveRate } = settings
  const targets = await findImages(args)
  const detector = await loadDetector(path, deviceOptions(settings))
  const overlays = out === undefined ? undefined : await overlayWriter(out, targets)
  const predictions: Prediction[] = []
  if (!session.json) session.io.out(tableHead)
  let next = decoded(targets[0])
  for (const [index, target] of targets.entries()) {
    session.io.signal.throwIfAborted()
    const { image, error } = await next
    next = decoded(targets[index + 1]) // while the detector runs
    let prediction: Prediction
    try {
      if (!image) throw error
      const options = falsePositiveRate === undefined ? {} : { falsePositiveRate }
      const detection = await detector.detect(image, options)
      const overlay = await overlays?.(target.path, image, detection)
      const { score, threshold, anomalous, pValue } = detection
      const verdict = { score, threshold, anomalous, pValue }
      prediction = { path: target.path, ...verdict, ...(overlay !== undefined && { overlay }) }
    } catch (problem) {
      // a runtime that fails or a full disk is wrong with all images
      const ofThisImage = problem instanceof CflowError && (!image || problem.code === 'IMAGE')
      if (!ofThisImage || problem.code === 'RUNTIME') throw problem
      prediction = failed(target.path, problem)
      session.io.err(errorText(problem))
      session.exitCode = 1
    }
    predictions.push(prediction)
    if (!session.json) session.io.out(tableRow(prediction))
  }
  await detector.release()
  if (session.json) printJson(session, predictions)
  else note(session, tally(predictions))
}

interface Decoded {
  readonly image?: RgbImage
  readonly error?: unknown
}

/** Never rejects: a failure is told when the image's turn comes. */
async function decoded(target: Target | undefined): Promise<Decoded> {
  if (target === undefined) return {}
  if ('error' in target) return { error: target.error }
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

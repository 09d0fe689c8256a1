import { CflowError } from '@cflow/base'
import { detectorNames, parseManifest, type Manifest } from '@cflow/core'
import { readMetadata } from '@cflow/graph'
import type { Runtime, Session } from '@cflow/runtimes'
import type { ModelFile } from './sources.js'

const hint = 'detectors are the model.onnx files that `cflow train` writes'

/** Outputs with the likelihoods, one per scale of the manifest. */
export const scaleOutputs = ({ scales }: Manifest): readonly string[] =>
  scales.map((_, k) => detectorNames.logLikelihood(k))

/** @throws CflowError MODEL, its subject the file, when it is not a detector */
export function manifestOf({ bytes, subject }: ModelFile): Manifest {
  if (bytes.length === 0) throw new CflowError('MODEL', `${subject} is empty`, { subject, hint })
  try {
    return parseManifest(readMetadata(bytes))
  } catch (error) {
    throw withSubject(error, subject)
  }
}

/**
 * Make a detector file ready to run.
 * @throws CflowError MODEL, its subject the file, when it cannot be run or has another graph
 */
export async function openSession(
  { bytes, subject }: ModelFile,
  manifest: Manifest,
  runtime: Runtime,
  threads: number | undefined,
): Promise<Session> {
  const session = await runtime
    .createSession(bytes, threads === undefined ? {} : { threads })
    .catch((error: unknown) => {
      throw withSubject(error, subject)
    })
  const outputs = [detectorNames.anomalyMap, detectorNames.score, ...scaleOutputs(manifest)]
  const missing = outputs.find((name) => !session.outputs.includes(name))
  if (missing === undefined && session.inputs.join() === detectorNames.image) return session
  await session.release()
  throw new CflowError('MODEL', `${subject} has a manifest but not the graph of a detector`, {
    subject,
    hint: missing === undefined ? 'its inputs are others' : `it has no output ${missing}`,
  })
}

/** The same error about a file: MODEL errors of the layers below do not know its name. */
function withSubject(error: unknown, subject: string): unknown {
  if (!(error instanceof CflowError) || error.code !== 'MODEL') return error
  const options = { subject, cause: error, hint: error.hint ?? hint }
  return new CflowError('MODEL', `${subject}: ${error.message}`, options)
}

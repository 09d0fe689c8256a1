import { CflowError } from '@cflow/base'
import { detectorNames, parseManifest, type Manifest } from '@cflow/core'
import { readMetadata } from '@cflow/graph'
import type { Runtime, Session } from '@cflow/runtimes'
import type { ModelFile } from './sources.js'

/** A detector file made ready to run. */
export interface Model {
  readonly manifest: Manifest
  readonly session: Session
  /** Outputs with the likelihoods, one per scale of the manifest. */
  readonly scales: readonly string[]
}

const hint = 'detectors are the model.onnx files that `cflow train` writes'

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
 * Check a detector file and open it.
 * @throws CflowError MODEL, its subject the file, when it is not a detector or cannot be run
 */
export async function openModel(
  { bytes, subject }: ModelFile,
  manifest: Manifest,
  runtime: Runtime,
  threads: number | undefined,
): Promise<Model> {
  const session = await runtime
    .createSession(bytes, threads === undefined ? {} : { threads })
    .catch((error: unknown) => {
      throw withSubject(error, subject)
    })
  const scales = manifest.scales.map((_, k) => detectorNames.logLikelihood(k))
  const missing = [detectorNames.anomalyMap, detectorNames.score, ...scales].find(
    (name) => !session.outputs.includes(name),
  )
  if (missing === undefined && session.inputs.join() === detectorNames.image)
    return { manifest, session, scales }
  await session.release()
  throw new CflowError('MODEL', `${subject} has a manifest but not the graph of a detector`, {
    subject,
    hint: missing === undefined ? 'its inputs are others' : `it has no output ${missing}`,
  })
}

/** The same error about a file: MODEL errors of the layers below do not know its name. */
function withSubject(error: unknown, subject: string): unknown {
  if (!(error instanceof CflowError) || error.code !== 'MODEL') return error
  return new CflowError('MODEL', `${subject}: ${error.message}`, {
    subject,
    cause: error,
    hint: error.hint ?? hint,
  })
}

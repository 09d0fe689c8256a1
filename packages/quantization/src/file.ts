import { CflowError } from '@cflow/base'
import { manifestKey, parseManifest, type Manifest } from '@cflow/core'
import { readOnnx, writeOnnx, type OnnxModel, type Value } from '@cflow/graph'

/** A detector file in float32, read. */
export interface FloatDetector {
  readonly model: OnnxModel
  readonly manifest: Manifest
}

/**
 * Read a detector file that is to be made smaller.
 * @throws CflowError MODEL when it is no detector; USAGE when it is one of lower precision already
 */
export function readFloatDetector(bytes: Uint8Array): FloatDetector {
  const model = readOnnx(bytes)
  const manifest = parseManifest(model.metadata)
  if (manifest.precision !== undefined && manifest.precision !== 'float32')
    throw new CflowError('USAGE', `the detector is ${manifest.precision} already`, {
      hint: 'export from the float32 file that `cflow train` wrote',
    })
  return { model, manifest }
}

/** A detector file with other outputs and manifest, all else as it was. */
export function writeLike(
  { model: { metadata, opsets, producer } }: FloatDetector,
  outputs: Readonly<Record<string, Value>>,
  manifest: Manifest,
): Uint8Array {
  const domains = Object.fromEntries(Object.entries(opsets).filter(([d]) => d !== ''))
  return writeOnnx(outputs, {
    name: 'cflow detector',
    metadata: { ...metadata, [manifestKey]: JSON.stringify(manifest) },
    domains,
    producer,
  })
}

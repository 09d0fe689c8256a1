import { fileURLToPath } from 'node:url'
import { CflowError } from '@cflow/base'
import { readWeights, type Weights } from '@cflow/weights'
import { inFile, readBytes, sizeOfFile } from '@cflow/weights/node'
import { embeddedNames, embeddedWeightsUrl } from '../embedded.js'
import { encoderSpec } from '../registry.js'
import type { EncoderSpec } from '../spec.js'
import { fitWeights } from '../fit.js'
import { cachedWeightsPath } from './cache.js'

/** Where the weights of an encoder lie on this machine, or undefined where they do not. */
export async function findEncoderWeights(spec: EncoderSpec): Promise<string | undefined> {
  if (embeddedNames.includes(spec.name)) return fileURLToPath(embeddedWeightsUrl(spec.name))
  const path = cachedWeightsPath(spec.name)
  return (await sizeOfFile(path)) === undefined ? undefined : path
}

/**
 * The weights of an encoder: from the file given, else from this package or the cache. Nothing is downloaded.
 * @param options.weights path of a .pth or .safetensors file
 * @returns the tensors its taps need, as float32, under their published keys
 * @throws CflowError NOT_FOUND for an unknown encoder or a missing file, WEIGHTS when the weights are not there, are
 *   damaged or are another model's
 */
export async function loadEncoderWeights(
  name: string,
  options: { readonly weights?: string } = {},
): Promise<Weights> {
  const spec = encoderSpec(name)
  const path = options.weights ?? (await findEncoderWeights(spec))
  if (path === undefined)
    throw new CflowError('WEIGHTS', `the weights of ${spec.name} are not on this machine`, {
      subject: spec.name,
      hint: `fetch them with 'cflow encoders pull ${spec.name}', or give a file with --weights FILE`,
    })
  const bytes = await readBytes(path)
  return inFile(path, () => fitWeights(spec.parameters, readWeights(bytes), spec.name))
}

import { readWeights, writeSafetensors } from '@cflow/weights'
import { fitWeights } from './fit.js'
import type { EncoderSpec } from './spec.js'

/**
 * A published weight file as the safetensors file that this project keeps: the tensors the encoder's taps need, under
 * their published keys, as float32.
 * @param source name of the file, kept in the metadata
 * @throws CflowError WEIGHTS when it cannot be read or is not of that encoder
 */
export function convertWeights(spec: EncoderSpec, bytes: Uint8Array, source: string): Uint8Array {
  const tensors = fitWeights(spec.parameters, readWeights(bytes), spec.name)
  return writeSafetensors(tensors, { encoder: spec.name, license: spec.license, source })
}

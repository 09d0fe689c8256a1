import type { Weights } from './weights.js'
import { readPth } from './pth/pth.js'
import { readSafetensors } from './safetensors.js'

/**
 * A weight file of either format, recognised by its content.
 * @throws CflowError WEIGHTS when it is neither, or is damaged
 */
export function readWeights(bytes: Uint8Array): Weights {
  // a safetensors header is JSON and begins after its length of 8 bytes
  return bytes[8] === 0x7b ? readSafetensors(bytes).tensors : readPth(bytes)
}

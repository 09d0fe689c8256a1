import { pth } from './pth/pth.js'
import { safetensors } from './safetensors.js'
import type { WeightFormat, Weights } from './weights.js'

/** Every kind of weight file; the last one says what is wrong with a file of none of them. */
const formats = [safetensors, pth] as const satisfies readonly WeightFormat[]

/**
 * A weight file of any kind, recognised by its content.
 * @throws CflowError WEIGHTS when it is of none, or is damaged
 */
export function readWeights(bytes: Uint8Array): Weights {
  return (formats.find((format) => format.matches(bytes)) ?? pth).read(bytes)
}

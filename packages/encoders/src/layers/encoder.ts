import type { Value } from '@cflow/graph'
import { fitWeights } from '../fit.js'
import type { EncoderSpec, Padding } from '../spec.js'
import type { BuildContext } from './conv.js'

/**
 * An encoder whose weights are checked before it is built.
 * @param epsilon ε of the batch norms
 * @param maps the taps of an image, with weights that fit
 */
export function encoderOf(
  spec: Omit<EncoderSpec, 'build'> & { readonly padding: Padding },
  epsilon: number,
  maps: (image: Value, context: BuildContext) => readonly Value[],
): EncoderSpec {
  const { name, padding, parameters } = spec
  const fit: EncoderSpec['build'] = (image, state) =>
    maps(image, { weights: fitWeights(parameters, state, name), epsilon, padding })
  return { ...spec, build: fit }
}

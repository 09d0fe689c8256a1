import type { Value } from '@cflow/graph'
import { fitWeights } from '../fit.js'
import type { EncoderSpec, Padding } from '../spec.js'
import type { BuildContext } from './conv.js'

/**
 * An encoder whose weights are checked before it is built.
 * @param spec with all taps: one finer than stride 8 is for who asks for it (`finer`)
 * @param epsilon ε of the batch norms
 * @param maps the taps of an image, with weights that fit
 */
export function encoderOf(
  spec: Omit<EncoderSpec, 'build'> & { readonly padding: Padding },
  epsilon: number,
  maps: (image: Value, context: BuildContext) => readonly Value[],
): EncoderSpec {
  const { name, padding, parameters, taps } = spec
  const build: EncoderSpec['build'] = (image, state) =>
    maps(image, { weights: fitWeights(parameters, state, name), epsilon, padding })
  const usual = taps.filter(({ stride }) => stride >= 8)
  if (usual.length === taps.length) return { ...spec, build }
  return {
    ...spec,
    taps: usual,
    build: (image, state) => build(image, state).slice(-usual.length),
    finer: { taps, build },
  }
}

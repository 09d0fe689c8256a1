import type { Value } from '@cflow/graph'
import { fitWeights } from '../fit.js'
import type { EncoderSpec, Padding } from '../spec.js'
import type { BuildContext } from './conv.js'

/** What a family of encoders says of one of them. */
export interface EncoderDescription extends Omit<EncoderSpec, 'build' | 'padding'> {
  readonly padding: Padding
  /** ε of the batch norms. */
  readonly epsilon: number
  /** The taps of an image, with weights that fit. */
  maps(image: Value, context: BuildContext): readonly Value[]
}

/** An encoder whose weights are checked before it is built. */
export function encoderOf({ epsilon, maps, ...spec }: EncoderDescription): EncoderSpec {
  const { name, padding, parameters } = spec
  return {
    ...spec,
    build: (image, state) =>
      maps(image, { weights: fitWeights(parameters, state, name), epsilon, padding }),
  }
}

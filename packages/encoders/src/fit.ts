import { CflowError, type Tensor } from '@cflow/base'
import { readWeights, toFloat32, writeSafetensors, type Weights } from '@cflow/weights'
import type { EncoderSpec, Parameter } from './spec.js'

/**
 * The tensors that an encoder needs out of a state dict, under their published keys and in their order, as float32.
 * timm's names are understood where they differ, and so is a common prefix such as `module.` or `state_dict.`.
 * Other tensors (a classifier's, say) are left out.
 * @param who name for error messages
 * @throws CflowError WEIGHTS that names what is missing or of another shape
 */
export function fitWeights(
  parameters: readonly Parameter[],
  weights: Weights,
  who: string,
): ReadonlyMap<string, Tensor<'float32'>> {
  const find = finder(parameters, weights)
  const fitted = new Map<string, Tensor<'float32'>>()
  const missing: string[] = []
  const wrong: string[] = []
  for (const parameter of parameters) {
    const found = find(parameter)
    if (!found) missing.push(parameter.key)
    else if (found.shape.join() === parameter.shape.join())
      fitted.set(parameter.key, toFloat32(found, parameter.key))
    else
      wrong.push(
        `${parameter.key} is [${found.shape.join(', ')}] instead of [${parameter.shape.join(', ')}]`,
      )
  }
  if (missing.length + wrong.length === 0) return fitted
  const faults = [...some(missing, 'missing '), ...some(wrong, '')].join('; ')
  throw new CflowError('WEIGHTS', `these are not weights of ${who}: ${faults}`, {
    subject: missing[0] ?? wrong[0]?.split(' ')[0] ?? who,
    hint: `use weights of ${who}`,
  })
}

/** The first three of what is wrong, where anything is. */
function some(items: readonly string[], verb: string): string[] {
  const more = items.length > 3 ? ` and ${items.length - 3} more` : ''
  return items.length > 0 ? [`${verb}${items.slice(0, 3).join(', ')}${more}`] : []
}

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

const maxPrefixes = 64

/** How to look tensors up: with the naming and prefix under which most of them are found. */
function finder(
  parameters: readonly Parameter[],
  weights: Weights,
): (parameter: Parameter) => Tensor | undefined {
  const namings = [(p: Parameter) => p.key, (p: Parameter) => p.alias ?? p.key]
  const ways = namings.flatMap((naming) => {
    const first = `.${parameters[0] ? naming(parameters[0]) : ''}`
    const prefixes = [...weights.keys()]
      .filter((key) => key.endsWith(first))
      .map((key) => key.slice(0, key.length - first.length + 1))
    return ['', ...prefixes.slice(0, maxPrefixes - 1)].map((prefix) => {
      const find = (p: Parameter) => weights.get(prefix + naming(p))
      return { find, found: parameters.filter((p) => find(p)).length }
    })
  })
  return ways.reduce((best, way) => (way.found > best.found ? way : best)).find
}

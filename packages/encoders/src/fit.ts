import { CflowError } from '@cflow/base'
import type { Tensor } from '@cflow/base'
import { toFloat32, type Weights } from '@cflow/weights'
import type { Parameter } from './spec.js'

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
    else if (!sameShape(found.shape, parameter.shape))
      wrong.push(
        `${parameter.key} is [${found.shape.join(', ')}] instead of [${parameter.shape.join(', ')}]`,
      )
    else fitted.set(parameter.key, toFloat32(found, parameter.key))
  }
  if (missing.length + wrong.length > 0)
    throw new CflowError(
      'WEIGHTS',
      `these are not weights of ${who}: ${[some(missing, 'missing '), some(wrong, '')].filter(Boolean).join('; ')}`,
      { subject: missing[0] ?? wrong[0]?.split(' ')[0] ?? who, hint: `use weights of ${who}` },
    )
  return fitted
}

type Find = (parameter: Parameter) => Tensor | undefined

/** How to look tensors up: with the naming and prefix under which most of them are found. */
function finder(parameters: readonly Parameter[], weights: Weights): Find {
  const first = parameters[0]
  if (!first) return () => undefined
  let best: Find = (p) => weights.get(p.key)
  let most = -1
  for (const naming of [(p: Parameter) => p.key, (p: Parameter) => p.alias ?? p.key])
    for (const prefix of prefixesOf(naming(first), weights)) {
      const find: Find = (p) => weights.get(prefix + naming(p))
      const count = parameters.reduce((n, p) => n + (find(p) ? 1 : 0), 0)
      if (count > most) {
        most = count
        best = find
      }
    }
  return best
}

const maxPrefixes = 64

function prefixesOf(key: string, weights: Weights): string[] {
  const prefixes = ['']
  for (const k of weights.keys())
    if (k.endsWith(`.${key}`) && prefixes.length < maxPrefixes)
      prefixes.push(k.slice(0, k.length - key.length))
  return prefixes
}

const sameShape = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((d, i) => d === b[i])

function some(items: readonly string[], verb: string): string {
  if (items.length === 0) return ''
  const more = items.length > 3 ? ` and ${items.length - 3} more` : ''
  return `${verb}${items.slice(0, 3).join(', ')}${more}`
}

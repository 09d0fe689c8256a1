import { CflowError, type Tensor } from '@cflow/base'
import { readWeights, toFloat32, writeSafetensors, type Weights } from '@cflow/weights'
import type { EncoderSpec, Parameter } from './spec.js'

export interface FitOptions {
  /** Which of the sets of weights in a file, by the beginning of their names, such as `state_dict_ema`; `.`: no beginning. */
  readonly key?: string | undefined
}

/**
 * The tensors that an encoder needs out of a state dict, under their published keys and in their order, as float32.
 * timm's names are understood where they differ, and so is a common prefix such as `module.` or `state_dict.`.
 * Other tensors (a classifier's, say) are left out.
 * @param who name for error messages
 * @throws CflowError WEIGHTS that names what is missing, of another shape, no number or a negative variance, and where
 *   there are several sets that differ (a student and its teacher), those
 */
export function fitWeights(
  parameters: readonly Parameter[],
  weights: Weights,
  who: string,
  { key }: FitOptions = {},
): ReadonlyMap<string, Tensor<'float32'>> {
  const { find, name } = chosen(parameters, weights, who, key)
  const fitted = new Map<string, Tensor<'float32'>>()
  const missing: string[] = []
  const wrong: string[] = []
  for (const parameter of parameters) {
    const found = find(parameter)
    const unread = weights.unread?.get(name(parameter))
    if (unread !== undefined) wrong.push(`${parameter.key} holds ${unread}, which is not read`)
    else if (!found) missing.push(parameter.key)
    else if (found.shape.join() === parameter.shape.join())
      fitted.set(parameter.key, toFloat32(found, parameter.key))
    else
      wrong.push(
        `${parameter.key} is [${found.shape.join(', ')}] instead of [${parameter.shape.join(', ')}]`,
      )
  }
  if (missing.length + wrong.length > 0) {
    const faults = [...some(missing, 'missing '), ...some(wrong, '')].join('; ')
    throw new CflowError('WEIGHTS', `these are not weights of ${who}: ${faults}`, {
      subject: missing[0] ?? wrong[0]?.split(' ')[0] ?? who,
      hint: `use weights of ${who}`,
    })
  }
  for (const [key, { data }] of fitted) checkNumbers(key, data)
  return fitted
}

/** @throws CflowError WEIGHTS for numbers that weights cannot be */
function checkNumbers(key: string, data: Float32Array): void {
  const fault = data.some(Number.isNaN)
    ? 'holds NaN, which is no number'
    : data.some((v) => !Number.isFinite(v))
      ? 'holds infinite numbers'
      : key.endsWith('running_var') && data.some((v) => v < 0)
        ? 'holds negative numbers, and is a variance'
        : undefined
  if (fault !== undefined)
    throw new CflowError('WEIGHTS', `the weights are damaged: ${key} ${fault}`, {
      subject: key,
      hint: 'the training that they are from went astray, or the file is damaged: use another',
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
export function convertWeights(
  spec: EncoderSpec,
  bytes: Uint8Array,
  source: string,
  options: FitOptions = {},
): Uint8Array {
  const tensors = fitWeights(spec.parameters, readWeights(bytes), spec.name, options)
  return writeSafetensors(tensors, { encoder: spec.name, license: spec.license, source })
}

const maxPrefixes = 64

/** A naming and a prefix under which tensors are looked up. */
interface Way {
  readonly prefix: string
  name(parameter: Parameter): string
  find(parameter: Parameter): Tensor | undefined
}

/** The way in which most of the tensors are found. @throws CflowError WEIGHTS where all are in several ways */
function chosen(
  parameters: readonly Parameter[],
  weights: Weights,
  who: string,
  key: string | undefined,
): Way {
  const ways = waysOf(parameters, weights)
  const wanted = key === undefined ? ways : ways.filter(({ prefix }) => isUnder(prefix, key))
  const count = (way: Way) => parameters.filter((p) => way.find(p)).length
  const isWhole = (way: Way) =>
    parameters.every((p) => way.find(p)?.shape.join() === p.shape.join())
  const same = (a: Way, b: Way) => parameters.every((p) => sameTensor(a.find(p), b.find(p)))
  const whole = wanted.filter(isWhole)
  const different = whole.filter((way, i) => !whole.slice(0, i).some((other) => same(way, other)))
  const listed = (some: readonly Way[]) => [...new Set(some.map(({ prefix }) => keyOf(prefix)))]
  if (different.length > 1) {
    const keys = listed(different)
    throw new CflowError(
      'WEIGHTS',
      `the file holds ${keys.length} sets of weights of ${who}: ${keys.join(', ')}`,
      { subject: keys[0] as string, hint: `say which: --weights-key ${keys.join(' or --weights-key ')}` }, // prettier-ignore
    )
  }
  const best = wanted.toSorted((a, b) => count(b) - count(a))[0]
  if (different[0] ?? best) return different[0] ?? (best as Way)
  const keys = listed(ways.filter((way) => 2 * count(way) > parameters.length))
  throw new CflowError('WEIGHTS', `the file holds no weights of ${who} under ${key}`, {
    subject: key ?? who,
    hint: keys.length > 0 ? `it has ${keys.join(', ')}` : `use weights of ${who}`,
  })
}

function waysOf(parameters: readonly Parameter[], weights: Weights): readonly Way[] {
  const namings = [(p: Parameter) => p.key, (p: Parameter) => p.alias ?? p.key]
  return namings.flatMap((naming) => {
    const first = `.${parameters[0] ? naming(parameters[0]) : ''}`
    const prefixes = [...weights.keys(), ...(weights.unread?.keys() ?? [])]
      .filter((key) => key.endsWith(first))
      .map((key) => key.slice(0, key.length - first.length + 1))
    return ['', ...prefixes.slice(0, maxPrefixes - 1)].map((prefix): Way => {
      const name = (p: Parameter) => prefix + naming(p)
      return { prefix, name, find: (p) => weights.get(name(p)) }
    })
  })
}

/** What a set of weights is called: what its names begin with, or a dot where they begin with nothing. */
const keyOf = (prefix: string): string => prefix.replace(/\.$/, '') || '.'

/** Whether a prefix is meant by a key: begins with it, or has it as one of its parts. */
const isUnder = (prefix: string, key: string): boolean =>
  key === '.' ? prefix === '' : `.${prefix}`.includes(`.${key.replace(/\.$/, '')}.`)

function sameTensor(a: Tensor | undefined, b: Tensor | undefined): boolean {
  if (a === b || a?.data === b?.data) return true
  if (a?.dtype !== b?.dtype || a?.data.length !== b?.data.length) return false
  return (a?.data as Float32Array).every((v, i) => Object.is(v, (b?.data as Float32Array)[i]))
}

import { CflowError, allocate, sizeOf, type Random, type Tensor } from '@cflow/base'
import * as z from 'zod'
import { globalAffine } from '../transforms/affine.js'
import { compose } from '../transforms/compose.js'
import { coupling, couplingFormSchema, halves } from '../transforms/coupling.js'
import {
  standardisation,
  standardisationParameters,
  type Spread,
} from '../transforms/standardisation.js'
import { initialise } from '../transforms/transform.js'
import type { FloatType, Parameters, ParameterShapes, Transform } from '../transforms/transform.js'
import { whitening, whiteningParameters, type Whitening } from '../transforms/whitening.js'

/**
 * How the dimensions are mixed between coupling layers.
 * - `soft`: a fixed random rotation (the paper's code)
 * - `hard`: a fixed random permutation
 * - `alternate`: none; the halves take turns at being transformed, and there is no global affine map
 */
export const permutationSchema = z.enum(['soft', 'hard', 'alternate'])

/** σ = α·tanh(a) (`paper`, as in the released checkpoints) or α·tanh(a/α) (`freia`, newer FrEIA). */
export const clampSchema = z.enum(['paper', 'freia'])

export const flowConfigSchema = z.strictObject({
  /** D: length of the feature vectors */
  depth: z.int().min(2),
  /** C: length of the condition vectors; 0 makes an unconditional flow (the paper's UFLOW) */
  condition: z.int().min(0),
  couplingLayers: z.int().min(1),
  permutation: permutationSchema,
  clamp: clampSchema,
  /** `affine` when absent. */
  coupling: couplingFormSchema.optional(),
})
export type FlowConfig = z.infer<typeof flowConfigSchema>

/** α, the bound of the log-scales. */
const clampBound = 1.9

/** The flow of one scale of a detector. */
export interface ScaleFlow {
  readonly config: FlowConfig
  readonly parameters: FlowParameters
  readonly whitening?: Whitening
  /** The Gaussian that its latent vectors are compared with, dimension by dimension; the standard one when absent. */
  readonly base?: Spread
}

/**
 * Tensors of a flow by the names of the authors' checkpoints: trainable ones (`module_list.{k}.subnet.0.weight` …) and, for
 * `soft` and `hard`, the fixed matrices `module_list.{k}.w_perm` [D, D], y = v·Wᵀ.
 */
export type FlowParameters = ReadonlyMap<string, Tensor<FloatType>>

export interface FlowOptions {
  /**
   * `false` leaves the last rotation or permutation out: it changes neither ‖u‖ nor ln|det J|, so no likelihood. Of no effect
   * with a base of its own, whose dimensions differ.
   */
  readonly lastMixing?: boolean
  /** `random`: the paper's code; `identity`: every coupling layer starts as the identity (the `whitened` recipe). */
  readonly start?: 'random' | 'identity'
  /** Whether it begins with a whitening, whose parameters are `whitening.…`. */
  readonly whitened?: boolean
  /** Whether it ends with the standardisation by its base distribution, whose parameters are `base.…`. */
  readonly based?: boolean
}

/**
 * The conditional flow of the paper (section 4.2; authors' code: FrEIA's AllInOneBlock with subnets of one hidden layer,
 * twice as wide as their input) as a composition, whitening included where it begins with one.
 */
export function flowTransform(config: FlowConfig, options: FlowOptions = {}): Transform {
  const { depth, condition, couplingLayers, permutation, clamp, coupling: form } = config
  const { lastMixing = true, start = 'random', whitened = false, based = false } = options
  const blocks = Array.from({ length: couplingLayers }, (_, k) => {
    const second = permutation !== 'alternate' || k % 2 === 0
    const passive = halves(depth)[second ? 0 : 1]
    const names = { name: `module_list.${k}`, foldedName: `block${k}` }
    const layer = coupling({
      depth,
      form,
      condition,
      half: second ? 'second' : 'first',
      hidden: [2 * (passive + condition)],
      factor: 0.1,
      clamp: { form: clamp, bound: clampBound },
      start,
    })
    if (permutation === 'alternate') return [{ ...names, transform: layer }]
    const mixing = lastMixing || based || k < couplingLayers - 1 ? permutation : 'none'
    return [
      { ...names, transform: layer },
      { ...names, transform: globalAffine(depth, mixing) },
    ]
  })
  const first = { name: 'whitening', foldedName: '', transform: whitening(depth) }
  const last = { name: 'base', transform: standardisation(depth) }
  return compose([...(whitened ? [first] : []), ...blocks.flat(), ...(based ? [last] : [])])
}

/** Names and shapes of the trainable tensors of a flow. */
export const parameterShapes = (config: FlowConfig): ParameterShapes => flowTransform(config).shapes

/** Fresh tensors of a flow. */
export const initialiseFlow = (
  config: FlowConfig,
  random: Random,
  start: 'random' | 'identity',
  dtype: FloatType = 'float32',
): FlowParameters => initialise(flowTransform(config, { start }), random, dtype) as FlowParameters

/** The transform of a scale's flow with all that belongs to it. */
export const wholeTransform = (
  { config, whitening, base }: Omit<ScaleFlow, 'parameters'>,
  options: Pick<FlowOptions, 'lastMixing'> = {},
): Transform =>
  flowTransform(config, {
    ...options,
    whitened: whitening !== undefined,
    based: base !== undefined,
  })

/** All tensors of a scale's flow, as `wholeTransform` takes them. */
export const allParameters = ({ parameters, whitening: w, base }: ScaleFlow): Parameters =>
  new Map<string, Tensor>([
    ...(w ? [...whiteningParameters(w)].map(([n, t]) => [`whitening.${n}`, t] as const) : []),
    ...parameters,
    ...(base ? [...standardisationParameters(base)].map(([n, t]) => [`base.${n}`, t] as const) : []), // prettier-ignore
  ])

/** All trainable parameters one after the other, in the order of `parameterShapes`. */
export function flatten(config: FlowConfig, parameters: FlowParameters): Tensor<FloatType> {
  const parts = parameterShapes(config).map(([name]) => parameters.get(name) as Tensor<FloatType>)
  const { dtype } = parts[0] as Tensor<FloatType>
  const data = allocate(
    dtype,
    parts.reduce((n, t) => n + t.data.length, 0),
  )
  let at = 0
  for (const t of parts) {
    data.set(t.data, at)
    at += t.data.length
  }
  return { dtype, shape: [data.length], data }
}

/** The parameters with the trainable ones replaced by those in a flat vector. */
export function unflatten(
  config: FlowConfig,
  flat: Tensor<FloatType>,
  fixed: FlowParameters,
): FlowParameters {
  const parameters = new Map(fixed)
  let at = 0
  for (const [name, shape] of parameterShapes(config)) {
    const n = sizeOf(shape)
    parameters.set(name, { dtype: flat.dtype, shape, data: flat.data.slice(at, at + n) })
    at += n
  }
  if (at !== flat.data.length)
    throw new CflowError('SHAPE', `${flat.data.length} parameters where the flow has ${at}`)
  return parameters
}

import { CflowError, allocate, sizeOf, type Random, type Tensor } from '@cflow/base'
import { constant, type Value } from '@cflow/graph'
import type { Condition } from './condition.js'

/**
 * A bijection of feature vectors, conditional or not, whose volume change is known: what flows are composed of. It holds
 * no numbers; its tensors come by name as graph values, so that the same description is trained (values are inputs of the
 * graph), used (constants) and folded (other constants).
 */
export interface Transform {
  /** D: length of the vectors. */
  readonly depth: number
  /** Trainable tensors, in the order in which fresh ones are drawn. */
  readonly shapes: ParameterShapes
  /** Fresh trainable tensors. */
  initial(random: Random, dtype: FloatType): Parameters
  /** Fresh tensors that training leaves alone, such as rotations. */
  fixed?(random: Random, dtype: FloatType): Parameters
  /** Feature vectors towards latent ones (section 3.3, u = g⁻¹(z)). @param x [rows, D] */
  forward(x: Value, values: Values, rows: Rows): Mapped
  /** The other way round: the inverse of `forward`, with the negative log-determinant. @param y [rows, D] */
  inverse(y: Value, values: Values, rows: Rows): Mapped
  /** The same bijection on the positions of a map, with all worked out that does not depend on the vectors. */
  readonly fold?: Fold
}

/** How a transform is made ready for inference. Exact but for rounding: numbers are folded in float64. */
export interface Fold {
  transform(map: MapSize): Transform
  /**
   * The tensors of that transform. `logDeterminantName` among them, if it is there, is what every row's ln|det J| gains
   * beside what `forward` gives: `compose` adds these up.
   * @throws CflowError WEIGHTS when a tensor is missing
   */
  parameters(own: Parameters, map: MapSize): Parameters
}

/** Name of the constant part of ln|det J| among folded parameters, a scalar. */
export const logDeterminantName = 'log_determinant'

/** What a transform gives: vectors [rows, D], and ln|det J| [rows], or [1] where all rows have the same; absent where 0. */
export interface Mapped {
  readonly value: Value
  readonly logDeterminant?: Value | undefined
}

/** What is known of the rows besides their numbers. */
export interface Rows {
  /** Conditions of coupling layers that have one. */
  readonly condition?: Condition | undefined
  /**
   * Position of every row on the map, int64 [rows], y·width + x; when absent the rows run through all positions of the
   * map, image by image. For transforms that know positions: whitening, and whatever is folded.
   */
  readonly positions?: Value | undefined
}

/** Height and width of a feature map, in positions. */
export interface MapSize {
  readonly height: number
  readonly width: number
}

/** Names and shapes of tensors, in the order in which a flat vector holds them. */
export type ParameterShapes = readonly (readonly [name: string, shape: readonly number[]])[]
export type FloatType = 'float32' | 'float64'
export type Parameters = ReadonlyMap<string, Tensor>
/** A parameter as a graph value, by name. @throws CflowError WEIGHTS when there is none */
export type Values = (name: string) => Value

/** Parameters as constants of a graph; `prefix` goes before their names in the file. */
export function constantValues(parameters: Parameters, prefix = ''): Values {
  const made = new Map<string, Value>()
  return (name) => {
    const value = made.get(name) ?? constant(parameter(parameters, name), prefix + name)
    made.set(name, value)
    return value
  }
}

/** @throws CflowError WEIGHTS when it is missing */
export function parameter(parameters: Parameters, name: string): Tensor {
  const found = parameters.get(name)
  if (found) return found
  throw new CflowError('WEIGHTS', `the parameter ${name} is missing`, {
    subject: name,
    hint: `there are ${[...parameters.keys()].join(', ') || 'none'}`,
  })
}

/** The numbers of a float parameter. */
export const numbersOf = (parameters: Parameters, name: string): Float32Array | Float64Array =>
  parameter(parameters, name).data as Float32Array | Float64Array

/** All tensors of a transform, fresh: first the trainable ones, then the fixed ones. */
export const initialise = (
  transform: Transform,
  random: Random,
  dtype: FloatType = 'float32',
): Parameters =>
  new Map([...transform.initial(random, dtype), ...(transform.fixed?.(random, dtype) ?? [])])

/** A tensor whose numbers are drawn or calculated one after the other. */
export function filled(
  dtype: FloatType,
  shape: readonly number[],
  value: (index: number) => number,
): Tensor<FloatType> {
  const data = allocate(dtype, sizeOf(shape))
  for (let i = 0; i < data.length; i++) data[i] = value(i)
  return { dtype, shape, data }
}

import { CflowError } from '@cflow/base'
import type { Attributes, OperatorNode } from '@cflow/graph'
import type { Engine, Held, Tensor } from './held.js'

/** One use of an operator. */
export interface Call extends Engine {
  /** `undefined` for an omitted optional one. */
  readonly inputs: readonly (Held | undefined)[]
  readonly attributes: Attributes
  readonly outputs: number
  /** A tensor that this node uses in every run, made in the first one. */
  constant(name: string, make: () => Tensor): Tensor
}

type Results = readonly Held[]

/** What computes an operator. The results are new values, which own their tensors. */
export interface Kernel {
  run(call: Call): Results | Promise<Results>
  /** Why a form of the operator cannot be computed; undefined for one that can. */
  refuses?(node: OperatorNode): string | undefined
}

/** The operators of a file, by their ONNX names. */
export type Kernels = Readonly<Record<string, Kernel>>

export const kernel = (run: Kernel['run'], refuses?: Kernel['refuses']): Kernel => ({
  run,
  ...(refuses && { refuses }),
})

/** @throws CflowError MODEL where an operator lacks an input that it needs */
export function inputAt({ inputs }: Call, i: number): Held {
  const found = inputs[i]
  if (found) return found
  throw new CflowError('MODEL', `the graph is damaged: an operator lacks input ${i}`)
}

/** Feeds or sizes do not fit together. */
export const unfit = (message: string): CflowError => new CflowError('RUNTIME', message)

/** A non-negative axis number. */
export function axisOf(axis: number, rank: number): number {
  const a = axis < 0 ? axis + rank : axis
  if (Number.isInteger(a) && a >= 0 && a < rank) return a
  throw unfit(`axis ${axis} is out of range for rank ${rank}`)
}

/** Place of the axes of [N, C, H, W] in [N, H, W, C]. */
export const placeInChannelsLast = [0, 3, 1, 2] as const

/** Shape of two broadcast together (NumPy's rule). */
export function broadcast(a: readonly number[], b: readonly number[]): number[] {
  const rank = Math.max(a.length, b.length)
  return Array.from({ length: rank }, (_, i) => {
    const [x, y] = [a, b].map((s) => (i < rank - s.length ? 1 : s.at(i - rank)!)) as [number, number] // prettier-ignore
    if (x === y || y === 1) return x
    if (x === 1) return y
    throw unfit(`shapes [${a.join(', ')}] and [${b.join(', ')}] cannot be broadcast together`)
  })
}

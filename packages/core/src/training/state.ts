import { allocate, floats, sizeOf, type Tensor } from '@cflow/base'
import type { ParameterShapes } from '../transforms/transform.js'

/** Parameters and Adam's two sums: what a training step carries. */
export const stateKeys = ['theta', 'm', 'v'] as const
export type StateKey = (typeof stateKeys)[number]
/** A training's state as flat vectors in the order of the parameters. */
export type FlatState = Readonly<Record<StateKey, Float32Array>>

/** Part of a training step's state that is one tensor of the graph. */
export interface StateGroup {
  readonly members: readonly {
    readonly name: string
    readonly shape: readonly number[]
    /** First number of the flat vector. */
    readonly offset: number
  }[]
  /** Whether it is one parameter of its own, in that parameter's shape; else its members one after the other. */
  readonly own: boolean
  readonly shape: readonly number[]
  /** Names of the graph's inputs and outputs for each part of the state. */
  readonly inputs: Readonly<Record<StateKey, string>>
  readonly outputs: Readonly<Record<StateKey, string>>
}

/** Number of trainable numbers. */
export const parameterCount = (shapes: ParameterShapes): number =>
  shapes.reduce((n, [, shape]) => n + sizeOf(shape), 0)

/**
 * How a training step's state is cut. Many small tensors are one vector, since every node of a graph costs some
 * microseconds; a large one stands alone, so that it is not copied and Adam's passes over it stay in the cache.
 * @param ownFrom numbers from which on a tensor stands alone
 */
export function stateGroups(shapes: ParameterShapes, ownFrom: number): readonly StateGroup[] {
  let offset = 0
  const members = shapes.map(([name, shape]) => {
    const member = { name, shape, offset }
    offset += sizeOf(shape)
    return member
  })
  const large = members.filter((m) => sizeOf(m.shape) >= ownFrom)
  const small = members.filter((m) => sizeOf(m.shape) < ownFrom)
  const names = (form: (key: StateKey) => string) =>
    Object.fromEntries(stateKeys.map((key) => [key, form(key)])) as Record<StateKey, string>
  const groups: StateGroup[] = large.map((m) => ({
    members: [m],
    own: true,
    shape: m.shape,
    inputs: names((key) => `${key}.${m.name}`),
    outputs: names((key) => `${key}_next.${m.name}`),
  }))
  if (small.length > 0)
    groups.push({
      members: small,
      own: false,
      shape: [small.reduce((n, m) => n + sizeOf(m.shape), 0)],
      inputs: names((key) => key),
      outputs: names((key) => `${key}_next`),
    })
  return groups
}

/** The state a session carries: output name to input name. */
export const stateNames = (groups: readonly StateGroup[]): Record<string, string> =>
  Object.fromEntries(
    groups.flatMap((g) => stateKeys.map((key) => [g.outputs[key], g.inputs[key]] as const)),
  )

/** Flat vectors to the tensors of the groups, by input name (copies). */
export function splitState(
  groups: readonly StateGroup[],
  state: FlatState,
): Record<string, Tensor> {
  const tensors: Record<string, Tensor> = {}
  for (const { members, shape, inputs } of groups)
    for (const key of stateKeys) {
      const data = allocate('float32', sizeOf(shape))
      let at = 0
      for (const m of members) {
        const n = sizeOf(m.shape)
        data.set(state[key].subarray(m.offset, m.offset + n), at)
        at += n
      }
      tensors[inputs[key]] = floats('float32', shape, data)
    }
  return tensors
}

/** The tensors of the groups, by input name, to flat vectors (copies). */
export function joinState(
  groups: readonly StateGroup[],
  tensors: Readonly<Record<string, Tensor>>,
): FlatState {
  const length = groups.reduce((n, g) => n + sizeOf(g.shape), 0)
  const state = Object.fromEntries(
    stateKeys.map((key) => [key, new Float32Array(length)]),
  ) as Record<StateKey, Float32Array>
  for (const { members, inputs } of groups)
    for (const key of stateKeys) {
      const data = tensors[inputs[key]]?.data as Float32Array
      let at = 0
      for (const m of members) {
        const n = sizeOf(m.shape)
        state[key].set(data.subarray(at, at + n), m.offset)
        at += n
      }
    }
  return state
}

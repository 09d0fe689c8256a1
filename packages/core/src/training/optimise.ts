import { sizeOf } from '@cflow/base'
import { concat, gradients, input, reshape, split, writeOnnx, writeScan } from '@cflow/graph'
import type { Value } from '@cflow/graph'
import type { FloatType, ParameterShapes } from '../transforms/transform.js'
import { adamStep } from './adam.js'
import { stateGroups, stateNames, type StateGroup } from './state.js'

/** All trainable numbers of a model as graph inputs, and the tensors made of them. */
export interface Trainable {
  readonly groups: readonly {
    readonly group: StateGroup
    /** The input of a group, of its shape. */
    readonly theta: Value
  }[]
  readonly byName: ReadonlyMap<string, Value>
}

/** Names of a training step's inputs and outputs besides what the loss needs. */
export const optimiserNames = { rate: 'rate', epsilon: 'epsilon', loss: 'loss' } as const

/** @param groups how the state is cut; one flat vector when absent */
export function trainable(
  shapes: ParameterShapes,
  dtype: FloatType = 'float32',
  groups: readonly StateGroup[] = stateGroups(shapes, Infinity),
): Trainable {
  const byName = new Map<string, Value>()
  const inputs = groups.map((group) => {
    const theta = input(group.inputs.theta, dtype, group.shape)
    if (group.own) byName.set((group.members[0] as StateGroup['members'][0]).name, theta)
    else
      split(
        theta,
        group.members.map((m) => sizeOf(m.shape)),
        0,
      ).forEach((piece, i) => {
        const { name, shape } = group.members[i] as StateGroup['members'][0]
        byName.set(name, reshape(piece, shape))
      })
    return { group, theta }
  })
  return { groups: inputs, byName }
}

/** Gradient of a loss by every group, of the group's shape. */
export function groupGradients(loss: Value, { groups, byName }: Trainable): Value[] {
  const members = groups.flatMap(({ group }) => group.members)
  const all = gradients(
    loss,
    members.map((m) => byName.get(m.name) as Value),
  )
  const of = new Map(members.map((m, i) => [m.name, all[i] as Value]))
  return groups.map(({ group }) => {
    const own = group.members.map((m) => of.get(m.name) as Value)
    return group.own
      ? (own[0] as Value)
      : concat(
          own.map((g) => reshape(g, [-1])),
          0,
        )
  })
}

/**
 * One optimisation step as an ONNX file: forward, backward and Adam in one run.
 * Feeds: the inputs of the loss, `rate` and `epsilon` [] (adamFeeds). Output: `loss` [], before the step. State: that of
 * the groups (`stateNames`), `theta`, `m` and `v` where there is one flat vector.
 */
export function optimisationStep(loss: Value, parameters: Trainable): Uint8Array {
  return writeOnnx(stepOutputs(loss, parameters), { name: 'training step' })
}

/**
 * Several optimisation steps in one run, as many as there are feeds: those of `optimisationStep` with a leading axis of
 * the steps, and so its `loss` [steps]. The state is read and written once a run instead of at every step.
 */
export function optimisationSteps(loss: Value, parameters: Trainable): Uint8Array {
  const state = stateNames(parameters.groups.map(({ group }) => group))
  return writeScan(stepOutputs(loss, parameters), state, { name: 'training steps' })
}

function stepOutputs(loss: Value, parameters: Trainable): Record<string, Value> {
  const gradient = groupGradients(loss, parameters)
  const scalar = (name: string) => input(name, loss.dtype, [])
  const [rate, epsilon] = [scalar(optimiserNames.rate), scalar(optimiserNames.epsilon)]
  const outputs: Record<string, Value> = { [optimiserNames.loss]: loss }
  parameters.groups.forEach(({ group, theta }, i) => {
    const state = (name: string) => input(name, theta.dtype, theta.shape)
    const { m, v } = group.inputs
    const next = adamStep(theta, state(m), state(v), gradient[i] as Value, rate, epsilon)
    for (const key of ['theta', 'm', 'v'] as const) outputs[group.outputs[key]] = next[key]
  })
  return outputs
}

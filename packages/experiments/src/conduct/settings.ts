import { cflow, resolveConfig, type TrainConfig } from '@cflow/methods'
import { isFlow, type Trial } from '../trial.js'

/**
 * Complete settings of a trial, as the trainer takes them; of a flow apart, too, for what only flows have.
 * @throws CflowError CONFIG for an input size that the method cannot have, and the like
 */
export function settingsOf(trial: Trial): {
  readonly config: TrainConfig
  readonly flow?: TrainConfig<'cflow'>
} {
  const { method, encoder, inputSize, poolLayers, couplingLayers, recipe, passes, data, seed } =
    trial
  // tables compare rankings: no threshold that more trainings would be worth
  const common = { encoder, inputSize, poolLayers, seed, folds: 0 }
  if (!isFlow(method)) {
    const { heldOut } = cflow.recipes[recipe]
    return { config: resolveConfig({ method, ...common, heldOut }) }
  }
  const asAuthors = data.set === 'stc' && recipe === 'paper'
  const flow = resolveConfig({
    ...{ ...common, recipe, couplingLayers, passes },
    conditional: method === 'cflow',
    ...(asAuthors && { normalisation: 'stc' }),
  })
  return { config: flow, flow }
}

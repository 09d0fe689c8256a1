import { cflow, resolveConfig, type TrainConfig } from '@cflow/methods'
import { isFlow, type Trial } from '../trial.js'

/**
 * Complete settings of a trial, as the trainer takes them.
 * @throws CflowError CONFIG for an input size that the method cannot have, and the like
 */
export function settingsOf(trial: Trial): TrainConfig {
  const { method, encoder, inputSize, poolLayers, couplingLayers, recipe, passes, data, seed } =
    trial
  const common = { encoder, inputSize, poolLayers, seed }
  if (!isFlow(method))
    return resolveConfig({ method, ...common, heldOut: cflow.recipes[recipe].heldOut })
  const asAuthors = data.set === 'stc' && recipe === 'paper'
  return resolveConfig({
    ...common,
    recipe,
    couplingLayers,
    passes,
    conditional: method === 'cflow',
    ...(asAuthors && { normalisation: 'stc' }),
  })
}

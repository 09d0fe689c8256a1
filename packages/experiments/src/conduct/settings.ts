import { cflow, resolveConfig, type TrainConfig } from '@cflow/methods'
import { isFlow } from '../trial.js'
import type { Trial } from '../trial.js'

/** Complete settings of a trial, as the trainer takes them. */
export type Settings =
  | { readonly kind: 'flow'; readonly config: TrainConfig<'cflow'> }
  | { readonly kind: 'baseline'; readonly config: TrainConfig }

/** @throws CflowError CONFIG for an input size that the method cannot have, and the like */
export function settingsOf(trial: Trial): Settings {
  const { method, encoder, inputSize, poolLayers, couplingLayers, recipe, passes, data, seed } =
    trial
  const common = { encoder, inputSize, poolLayers, seed }
  if (isFlow(method)) {
    const asAuthors = data.set === 'stc' && recipe === 'paper'
    const config = resolveConfig({
      ...common,
      recipe,
      couplingLayers,
      passes,
      conditional: method === 'cflow',
      ...(asAuthors && { normalisation: 'stc' }),
    })
    return { kind: 'flow', config }
  }
  const { heldOut } = cflow.recipes[recipe]
  return { kind: 'baseline', config: resolveConfig({ method, ...common, heldOut }) }
}

import type { FlowConfig } from './config.js'
import type { FlowParameters } from './parameters.js'
import type { Whitening } from './whitening.js'

/** The trained flow of one scale. */
export interface ScaleFlow {
  readonly config: FlowConfig
  readonly parameters: FlowParameters
  readonly whitening?: Whitening
}

import { readFileSync } from 'node:fs'
import { floats, type Tensor } from '@cflow/base'
import type { FlowConfig, FlowParameters } from '../src/index.js'

type Nested = number | Nested[]

export interface GoldenTensor {
  readonly shape: number[]
  readonly data: Nested
}

export interface GoldenFlow {
  readonly state: Record<string, GoldenTensor>
  readonly x: number[][]
  readonly c: number[][]
  readonly z: number[][]
  readonly logdet: number[]
  readonly x_rec: number[][]
  readonly logp: number[]
  readonly logp_per_dim: number[]
  readonly loss_mean: number
}

export interface GoldenAdam {
  readonly seq: number[]
  readonly init: Record<string, GoldenTensor>[]
  readonly X: number[][][][]
  readonly C: number[][][]
  readonly losses: number[]
  readonly grads_step0: Record<string, GoldenTensor>
  readonly final: Record<string, GoldenTensor>[]
}

export interface Golden {
  readonly pe_D8_H3_W4: GoldenTensor
  readonly pe_D128_H8_W8: { sum: number; sumsq: number; at: Record<string, number> }
  readonly cflow_D6: GoldenFlow
  readonly cflow_D5_odd: GoldenFlow
  readonly uflow_D6: GoldenFlow
  readonly block_hard_perm_D6: GoldenFlow
  readonly 'adam_zero_grad_to_zero_(torch<2, author)': GoldenAdam
  readonly 'adam_zero_grad_set_to_none_(torch>=2)': GoldenAdam
  readonly lr_schedule: {
    lr: number
    I: number
    sub_epochs: number
    rows: { epoch: number; cosine: number; warm_first?: number; warm_last?: number }[]
  }
  readonly aggregation: {
    heights: number[]
    log_prob_per_dim: number[][]
    out_size: number
    super_mask: number[][][]
    image_score: number[]
  }
  readonly softplus_init: { global_scale_param: number; scale: number }
}

/** Numbers of the reference implementation; see REFERENCE in the package's README for how they were made. */
export function golden(name: 'flow' | 'flow_new_clamp'): Golden {
  return JSON.parse(
    readFileSync(new URL(`../fixtures/${name}.json`, import.meta.url), 'utf8'),
  ) as Golden
}

export const flat = (x: Nested): number[] => (typeof x === 'number' ? [x] : x.flatMap(flat))

export const matrix = (rows: number[][]): Tensor<'float64'> =>
  floats('float64', [rows.length, rows[0]?.length ?? 0], flat(rows))

export function parametersOf(
  state: Record<string, GoldenTensor>,
  dtype: 'float32' | 'float64' = 'float64',
): FlowParameters {
  return new Map(
    Object.entries(state).map(([name, t]) => [
      name.startsWith('module_list') ? name : `module_list.0.${name}`,
      floats(dtype, t.shape, flat(t.data)),
    ]),
  )
}

export const configOf = (
  depth: number,
  condition: number,
  couplingLayers: number,
  clamp: 'paper' | 'freia',
  permutation: 'soft' | 'hard' = 'soft',
): FlowConfig => ({ depth, condition, couplingLayers, clamp, permutation })

import { Random, tensor, type Tensor } from '@cflow/base'
import { describe, expect, it } from 'vitest'
import { configOf, golden, parametersOf } from '../../test/golden.js'
import { flowOfState, initialiseFlow } from '../index.js'

const who = 'decoder_state_dict.0'
const soft = configOf(6, 8, 2, 'paper')
const state = () =>
  new Map<string, Tensor>(initialiseFlow(soft, Random.seeded(1, 'flow'), 'random'))
const refuses = (change: (s: Map<string, Tensor>) => void, message: RegExp) => {
  const changed = state()
  change(changed)
  expect(() => flowOfState(changed, 'paper', who)).toThrow(message)
  expect(() => flowOfState(changed, 'paper', who)).toThrow(
    expect.objectContaining({ code: 'WEIGHTS' }),
  )
}
const name = 'module_list.1.w_perm'

describe('flowOfState', () => {
  it.each([
    ['cflow_D6', configOf(6, 8, 2, 'paper')],
    ['cflow_D5_odd', configOf(5, 8, 2, 'paper')],
    ['uflow_D6', configOf(6, 0, 2, 'paper')],
    ['block_hard_perm_D6', configOf(6, 0, 1, 'paper', 'hard')],
  ] as const)('finds depth, condition, layers and permutation of %s', (flow, config) => {
    const parameters = parametersOf(golden('flow')[flow].state)
    const condition =
      parameters.get('module_list.0.subnet.0.weight')!.shape[1]! - Math.ceil(config.depth / 2)
    const found = flowOfState(parameters, 'paper', who)
    expect(found.config).toEqual({ ...config, condition })
    for (const key of found.parameters.keys())
      expect(found.parameters.get(key)).toBe(parameters.get(key))
  })

  it('reads permutations as indices (newer FrEIA) like those as matrices', () => {
    const hard = configOf(5, 0, 2, 'paper', 'hard')
    const matrices = initialiseFlow(hard, Random.seeded(3, 'flow'), 'random')
    const indices = new Map<string, Tensor>(matrices)
    for (const k of [0, 1]) {
      const w = matrices.get(`module_list.${k}.w_perm`)!
      const columns = [0, 1, 2, 3, 4].map((row) => w.data.slice(row * 5, row * 5 + 5).indexOf(1))
      indices.set(
        `module_list.${k}.w_perm`,
        tensor('int64', [5], BigInt64Array.from(columns.map(BigInt))),
      )
    }
    const found = flowOfState(indices, 'freia', who)
    expect(found.config).toEqual({ ...hard, clamp: 'freia' })
    for (const k of [0, 1])
      expect([...found.parameters.get(`module_list.${k}.w_perm`)!.data]).toEqual([
        ...matrices.get(`module_list.${k}.w_perm`)!.data,
      ])
  })

  it('names what is missing, does not fit, or belongs to another kind of flow', () => {
    refuses(
      (s) => s.delete('module_list.1.subnet.2.bias'),
      /decoder_state_dict\.0\.module_list\.1\.subnet\.2\.bias is missing/,
    )
    refuses(
      (s) => s.delete('module_list.0.global_scale'),
      /module_list\.0\.global_scale is missing/,
    )
    refuses((s) => s.delete(name), /module_list\.1\.w_perm is missing/)
    refuses(
      (s) => s.set('module_list.1.global_offset', tensor('float32', [1, 4], new Float32Array(4))),
      /global_offset is \[1, 4\] instead of \[1, 6\]/,
    )
    refuses(
      (s) => s.set('module_list.0.subnet.4.bias', tensor('float32', [6], new Float32Array(6))),
      /subnet\.4\.bias is not part of such a flow/,
    )
    refuses(
      (s) => s.set(name, tensor('float32', [6, 6], new Float32Array(36).fill(0.5))),
      /w_perm is no rotation/,
    )
    refuses(
      (s) => s.set(name, tensor('int64', [6], new BigInt64Array(6))),
      /no permutation of 6 columns/,
    )
    refuses(
      (s) => s.set('module_list.0.global_scale', tensor('int64', [1, 6], new BigInt64Array(6))),
      /holds int64 instead of float32/,
    )
    refuses((s) => {
      s.get('module_list.0.subnet.0.bias')!.data[0] = NaN
    }, /not finite/)
  })
})

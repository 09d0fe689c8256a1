import { CflowError, zeros, type Tensor } from '@cflow/base'
import { isPermutation, permutationOf } from '../transforms/affine.js'
import type { FloatType } from '../transforms/transform.js'
import { parameterShapes, type FlowConfig, type FlowParameters } from './flow.js'

/**
 * The flow in a decoder's state dict as the authors' code and FrEIA write it: `module_list.{k}.` followed by
 * `global_scale` [1, D], `global_offset` [1, D], `w_perm` [D, D] or (hard permutations as indices) [D], and a subnet of
 * two linear layers. Depth, condition, number of coupling layers and kind of permutation follow from the shapes.
 * @param clamp which of the two forms of the clamp the file was trained with; it cannot be seen
 * @param who name of the decoder for error messages
 * @throws CflowError WEIGHTS that names what is missing, of another shape, or not part of such a flow
 */
export function flowOfState(
  state: ReadonlyMap<string, Tensor>,
  clamp: FlowConfig['clamp'],
  who: string,
): { readonly config: FlowConfig; readonly parameters: FlowParameters } {
  const wrong = (key: string, why: string): CflowError =>
    new CflowError('WEIGHTS', `${who}.${key} ${why}`, {
      subject: `${who}.${key}`,
      hint: 'decoders are the flows of CFLOW-AD’s published code: FrEIA’s AllInOneBlock with a subnet of two layers',
    })
  const get = (key: string): Tensor<FloatType> => {
    const t = state.get(key)
    if (!t) throw wrong(key, 'is missing')
    if (t.dtype !== 'float32' && t.dtype !== 'float64')
      throw wrong(key, `holds ${t.dtype} instead of float32`)
    return t as Tensor<FloatType>
  }
  const couplingLayers = countBlocks(state)
  const depth = get('module_list.0.global_scale').shape[1] ?? 0
  const inputs = get('module_list.0.subnet.0.weight').shape[1] ?? 0
  const condition = inputs - Math.ceil(depth / 2)
  if (depth < 2 || condition < 0 || condition % 4 !== 0)
    throw wrong(
      'module_list.0.subnet.0.weight',
      `has ${inputs} columns: a position's encoding of ${condition} numbers does not exist`,
    )
  const mixing = Array.from({ length: couplingLayers }, (_, k) =>
    mixingOf(mixingName(k), state, depth, wrong),
  )
  const permutation = mixing.every((m) => m.hard) ? 'hard' : 'soft'
  const config: FlowConfig = { depth, condition, couplingLayers, permutation, clamp }
  const parameters = new Map<string, Tensor<FloatType>>()
  for (const [name, shape] of parameterShapes(config)) {
    const t = get(name)
    if (t.shape.join() !== shape.join())
      throw wrong(name, `is [${t.shape.join(', ')}] instead of [${shape.join(', ')}]`)
    if (!t.data.every(Number.isFinite)) throw wrong(name, 'holds numbers that are not finite')
    parameters.set(name, t)
  }
  mixing.forEach((m, k) => parameters.set(mixingName(k), m.matrix))
  for (const name of state.keys())
    if (!parameters.has(name) && !/^module_list\.\d+\.w_perm_inv$/.test(name))
      throw wrong(name, 'is not part of such a flow')
  return { config, parameters }
}

const mixingName = (k: number): string => `module_list.${k}.w_perm`

/** One more than the largest k of `module_list.{k}.`, at least 1; a gap shows as a missing tensor. */
function countBlocks(state: ReadonlyMap<string, Tensor>): number {
  const numbers = [...state.keys()].map((key) =>
    Number(/^module_list\.(\d{1,3})\./.exec(key)?.[1] ?? 0),
  )
  return numbers.reduce((n, k) => Math.max(n, k + 1), 1)
}

/** W of a coupling layer as a matrix, and whether it is a permutation. */
function mixingOf(
  key: string,
  state: ReadonlyMap<string, Tensor>,
  depth: number,
  wrong: (key: string, why: string) => CflowError,
): { readonly matrix: Tensor<FloatType>; readonly hard: boolean } {
  const w = state.get(key)
  if (!w) throw wrong(key, 'is missing')
  const shape = `[${w.shape.join(', ')}]`
  if (w.shape.length === 1) {
    const columns = permutationOf(w)
    if (columns.length !== depth || !isPermutation(columns))
      throw wrong(key, `is no permutation of ${depth} columns`)
    const matrix = zeros('float32', [depth, depth]) as Tensor<'float32'>
    columns.forEach((from, to) => (matrix.data[to * depth + from] = 1))
    return { matrix, hard: true }
  }
  if (w.shape.join() !== `${depth},${depth}`)
    throw wrong(key, `is ${shape} instead of [${depth}, ${depth}]`)
  if (w.dtype !== 'float32' && w.dtype !== 'float64')
    throw wrong(key, `holds ${w.dtype} instead of float32`)
  const matrix = w as Tensor<FloatType>
  const order = permutationOf(matrix)
  let ones = 0
  for (const v of matrix.data) if (v !== 0) ones++
  if (ones === depth && isPermutation(order)) return { matrix, hard: true }
  if (!isOrthogonal(matrix)) throw wrong(key, 'is no rotation: its rows are not orthonormal')
  return { matrix, hard: false }
}

/** Whether every row has length 1 and is orthogonal to the next one, to float32's accuracy. */
function isOrthogonal({ shape, data }: Tensor<FloatType>): boolean {
  const d = shape[0] as number
  for (let i = 0; i < d; i++) {
    const j = (i + 1) % d
    let [square, product] = [0, 0]
    for (let k = 0; k < d; k++) {
      square += data[i * d + k]! ** 2
      product += data[i * d + k]! * data[j * d + k]!
    }
    if (!(Math.abs(square - 1) < 1e-3) || !(i === j || Math.abs(product) < 1e-3)) return false
  }
  return true
}

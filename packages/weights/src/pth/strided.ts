import { allocate, sizeOf } from '@cflow/base'
import type { DType, Tensor, TypedArrays } from '@cflow/base'
import { damaged } from './reader.js'

/** A tensor as PyTorch keeps it: a window onto a storage. Offset and strides count elements. */
export interface StridedView {
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/**
 * A view as a dense tensor in row-major order. One that is its whole storage shares its data; others are copied.
 * @throws CflowError WEIGHTS when it reaches beyond the storage
 */
export function materialise<T extends DType>(
  dtype: T,
  storage: TypedArrays[T],
  view: StridedView,
): Tensor<T> {
  const { offset, shape, strides } = view
  const size = checkedSize(storage.length, view)
  if (size === storage.length && offset === 0 && isContiguous(shape, strides))
    return { dtype, shape, data: storage }
  const data = allocate(dtype, size)
  if (size > 0) copy(storage as Numbers, offset, shape, strides, data as Numbers)
  return { dtype, shape, data }
}

/** Number of elements of a view that lies within its storage. */
export function checkedSize(available: number, view: StridedView): number {
  const { offset, shape, strides } = view
  if (shape.length !== strides.length || shape.length > 8) throw damaged('a tensor without strides')
  const size = sizeOf(shape)
  const last = shape.reduce((at, d, i) => at + (d - 1) * (strides[i] as number), offset)
  if (size > 0 && !(last < available))
    throw damaged(`a tensor of shape [${shape.join(', ')}] reaches beyond its storage`)
  return size
}

type Numbers = { [index: number]: number } & TypedArrays['float32']

function copy(
  storage: Numbers,
  offset: number,
  shape: readonly number[],
  strides: readonly number[],
  out: Numbers,
): void {
  if (isContiguous(shape, strides)) {
    out.set(storage.subarray(offset, offset + out.length))
    return
  }
  const index = shape.map(() => 0)
  let at = offset
  for (let i = 0; i < out.length; i++) {
    out[i] = storage[at] as number
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += strides[axis] as number
      index[axis] = (index[axis] as number) + 1
      if ((index[axis] as number) < (shape[axis] as number)) break
      at -= (strides[axis] as number) * (shape[axis] as number)
      index[axis] = 0
    }
  }
}

function isContiguous(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    if (shape[axis] !== 1 && strides[axis] !== expected) return false
    expected *= shape[axis] as number
  }
  return true
}

import { allocate, sizeOf, type DType, type Tensor, type TypedArrays } from '@cflow/base'
import { damaged } from './reader.js'

/** A tensor as PyTorch keeps it: a window onto a storage. Offset and strides count elements. */
export interface StridedView {
  readonly offset: number
  readonly shape: readonly number[]
  readonly strides: readonly number[]
}

/**
 * Number of elements of a view.
 * @param available elements of its storage
 * @throws CflowError WEIGHTS when it reaches beyond the storage
 */
export function checkedSize(available: number, view: StridedView): number {
  const { offset, shape, strides } = view
  if (shape.length !== strides.length || shape.length > 8) throw damaged('a tensor without strides')
  const size = sizeOf(shape)
  const last = shape.reduce((at, d, i) => at + (d - 1) * (strides[i] as number), offset)
  if (size > 0 && !(last < available))
    throw damaged(`a tensor of shape [${shape.join(', ')}] reaches beyond its storage`)
  return size
}

/** A checked view as a dense tensor in row-major order. One that is its whole storage shares its data. */
export function materialise(
  dtype: DType,
  storage: TypedArrays[DType],
  { offset, shape, strides }: StridedView,
): Tensor {
  const size = sizeOf(shape)
  const contiguous = isContiguous(shape, strides)
  if (size === storage.length && offset === 0 && contiguous) return { dtype, shape, data: storage }
  const data = allocate(dtype, size)
  // one type stands for all: elements are only moved
  const [from, to] = [storage, data] as readonly Float32Array[] as [Float32Array, Float32Array]
  if (contiguous) to.set(from.subarray(offset, offset + size))
  else copyStrided(from, to, { offset, shape, strides })
  return { dtype, shape, data }
}

function copyStrided(
  from: Float32Array,
  to: Float32Array,
  { offset, shape, strides }: StridedView,
): void {
  const index = shape.map(() => 0)
  let at = offset
  for (let i = 0; i < to.length; i++) {
    to[i] = from[at] as number
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

import type { DType, Tensor, TypedArrays } from '@cflow/base'
import { bytesPerElement } from '@cflow/base'
import { PyTuple } from './machine.js'
import { damaged } from './reader.js'
import type { Weights } from '../weights.js'
import type { ElementType } from '../element-types.js'
import { checkedSize, materialise } from './strided.js'
import { isKind } from './torch-host.js'
import type { StorageReference, TorchTensor } from './torch-host.js'

/** Elements of a storage, in their tensor type. */
export type ReadStorage = (storage: StorageReference) => TypedArrays[DType]

const maxDepth = 16
const maxEntries = 200_000

/**
 * The tensors of an unpickled object by name: keys of nested dictionaries and positions in lists are joined with dots
 * (`encoder_state_dict.conv1.weight`); whatever is no tensor is left out.
 * @param budget bytes that all tensors may take together (views can repeat elements without end)
 */
export function collectTensors(root: unknown, read: ReadStorage, budget: number): Weights {
  const tensors = new Map<string, Tensor>()
  const storages = new Map<
    string,
    { readonly type: ElementType; readonly data: TypedArrays[DType] }
  >()
  const done = new Map<TorchTensor, Tensor>()
  let left = budget
  let entries = 0

  function tensorOf(torch: TorchTensor): Tensor {
    const known = done.get(torch)
    if (known) return known
    const { storage, view } = unwrapped(torch)
    const { key, type } = storage
    const kept = storages.get(key) ?? { type, data: read(storage) }
    storages.set(key, kept)
    if (kept.type !== type) throw damaged('a storage of two types')
    const { dtype } = type
    const { data } = kept
    left -= checkedSize(data.length, view) * bytesPerElement[dtype]
    if (left < 0) throw damaged('its tensors take far more room than the file')
    const made = materialise(dtype, data, view)
    done.set(torch, made)
    return made
  }

  function visit(value: unknown, name: string, depth: number): void {
    if (++entries > maxEntries || depth > maxDepth) throw damaged('it nests too deeply')
    const under = (key: unknown) => (name === '' ? String(key) : `${name}.${String(key)}`)
    if (isKind<TorchTensor>(value, 'tensor')) tensors.set(name, tensorOf(value))
    else if (value instanceof Map) {
      for (const [key, item] of value)
        if (typeof key === 'string' || typeof key === 'number') visit(item, under(key), depth + 1)
    } else if (Array.isArray(value)) value.forEach((item, i) => visit(item, under(i), depth + 1))
    else if (value instanceof PyTuple)
      value.items.forEach((item, i) => visit(item, under(i), depth + 1))
  }

  visit(root, '', 0)
  return tensors
}

function unwrapped(torch: TorchTensor): Required<Pick<TorchTensor, 'storage' | 'view'>> {
  let inner = torch
  for (let depth = 0; inner.data; depth++) {
    if (depth > maxDepth) throw damaged('a parameter that holds itself')
    inner = inner.data
  }
  const { storage, view } = inner
  if (!storage || !view) throw damaged('a tensor without a storage')
  return { storage, view }
}

import { bytesPerElement, type DType, type Tensor, type TypedArrays } from '@cflow/base'
import type { ElementType } from '../element-types.js'
import { withUnread, type Weights } from '../weights.js'
import { PyTuple } from './pickle.js'
import { damaged } from './reader.js'
import { checkedSize, materialise } from './strided.js'
import { isKind, type StorageReference, type TorchTensor } from './torch.js'

const maxDepth = 16
const maxEntries = 200_000

/**
 * The tensors of an unpickled object by name: keys of nested dictionaries and positions in lists are joined with dots
 * (`encoder_state_dict.conv1.weight`); whatever is no tensor is left out, and so is
 * one whose elements there are no tensors of (named in `unread`).
 * @param read elements of a storage, in their tensor type
 * @param budget bytes that all tensors may take together (views can repeat elements without end)
 */
export function collectTensors(
  root: unknown,
  read: (storage: StorageReference) => TypedArrays[DType],
  budget: number,
): Weights {
  const tensors = new Map<string, Tensor>()
  const unread = new Map<string, string>()
  const storages = new Map<string, { type: ElementType; data: TypedArrays[DType] }>()
  const done = new Map<TorchTensor, Tensor>()
  let left = budget
  let entries = 0

  function tensorOf(torch: TorchTensor): Tensor {
    const known = done.get(torch)
    if (known) return known
    const { storage, view } = torch
    if (!storage || !view) throw damaged('a tensor without a storage')
    const { key, type } = storage
    const kept = storages.get(key) ?? { type, data: read(storage) }
    storages.set(key, kept)
    if (kept.type !== type) throw damaged('a storage of two types')
    left -= checkedSize(kept.data.length, view) * bytesPerElement[type.dtype]
    if (left < 0) throw damaged('its tensors take far more room than the file')
    const made = materialise(type.dtype, kept.data, view)
    done.set(torch, made)
    return made
  }

  function visit(value: unknown, name: string, depth: number): void {
    if (++entries > maxEntries || depth > maxDepth) throw damaged('it nests too deeply')
    if (isKind<TorchTensor>(value, 'tensor')) {
      const other = value.unread ?? value.storage?.type.unread
      if (other === undefined) tensors.set(name, tensorOf(value))
      else unread.set(name, other)
    }
    for (const [key, item] of itemsOf(value))
      if (typeof key === 'string' || typeof key === 'number')
        visit(item, name === '' ? String(key) : `${name}.${key}`, depth + 1)
  }

  visit(root, '', 0)
  return withUnread(tensors, unread)
}

/** What a dictionary, list or tuple holds, by key or index. */
function itemsOf(value: unknown): Iterable<readonly [unknown, unknown]> {
  if (value instanceof Map) return value
  if (value instanceof PyTuple) return value.items.entries()
  return Array.isArray(value) ? value.entries() : []
}

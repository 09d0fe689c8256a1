import { CflowError } from '@cflow/base'
import { torchType, type ElementType } from '../element-types.js'
import { PyTuple, type PickleHost } from './pickle.js'
import { damaged } from './reader.js'
import type { StridedView } from './strided.js'

/** A file that is no state dict. */
export const otherFile = (what: string): CflowError =>
  new CflowError('WEIGHTS', what, {
    hint: 'give a .pth or .pt file that torch.save wrote, or a .safetensors file',
  })

export const bigEndian = (): CflowError =>
  new CflowError('WEIGHTS', 'weights from a big-endian machine are not supported')

/** A storage that a pickle mentions, or a part of it; counts are in elements. */
export interface StorageReference {
  readonly kind: 'storage'
  readonly key: string
  readonly type: ElementType
  /** Elements of the whole storage. */
  readonly length: number
  /** Where this part begins in it. */
  readonly offset: number
}

/** A tensor as it stands in a pickle, without its numbers. Old files fill it in two steps. A Parameter is its tensor. */
export interface TorchTensor {
  readonly kind: 'tensor'
  /** What its elements are called, where they are none that this package reads. */
  unread?: string
  storage?: StorageReference
  view?: StridedView
}

interface Callable {
  readonly kind: 'callable'
  readonly call: (args: readonly unknown[]) => unknown
}

interface TorchName {
  readonly kind: 'name'
  readonly name: string
}

/** The names that a state dict, and what is saved with it, needs. Anything else a pickle asks for is refused. */
const callables: ReadonlyMap<string, Callable['call']> = new Map<string, Callable['call']>([
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_tensor_v3', rebuildOther],
  ['torch._utils._rebuild_qtensor', () => ({ kind: 'tensor', unread: 'quantised elements' })],
  ['torch._utils._rebuild_sparse_tensor', () => ({ kind: 'tensor', unread: 'a sparse layout' })],
  ['torch._utils._rebuild_parameter', wrap],
  ['torch.nn.parameter.Parameter', wrap],
  ['collections.OrderedDict', orderedDict],
  // settings of a training, which lie beside its weights
  ['argparse.Namespace', () => new Map()],
  ['torch.Size', ([items]) => new PyTuple(sequence(items))],
])

/** Names of element types, layouts and ways of quantisation, which are nothing but names. */
const names =
  /^torch\.(u?int(8|16|32|64)|b?float(16|32|64|8_\w+|4_\w+)|complex(32|64|128)|bool|qu?int\d+(x\d)?|per_(tensor|channel)_\w+|sparse_\w{3}|strided)$/

/** Lets a pickle build tensors, parameters, dictionaries and sizes, and nothing else. */
export const torchHost = {
  global(module, name): Callable | ElementType | TorchName {
    const full = `${module}.${name}`
    const [, element = '', made] = /^torch\.(\w+)(Storage|Tensor)$/.exec(full) ?? []
    const type = torchType(element)
    if (type && made === 'Storage') return type
    const call = type ? wrap : callables.get(full)
    if (call) return { kind: 'callable', call }
    if (names.test(full)) return { kind: 'name', name }
    throw new CflowError('WEIGHTS', `the weight file asks for ${full}, which is not allowed`, {
      subject: full,
      hint: 'save the state dict alone: torch.save(model.state_dict(), file)',
    })
  },

  call(callable, args) {
    if (!isKind<Callable>(callable, 'callable'))
      throw damaged('it calls something that is no function')
    return callable.call(args)
  },

  build(object, state) {
    if (object instanceof Map) return // attributes of an OrderedDict, such as _metadata
    if (!isKind<TorchTensor>(object, 'tensor')) throw damaged('state of an object that has none')
    if (!(state instanceof PyTuple)) return
    // (storage, offset, size, stride) of a tensor; (data, …) of an old Parameter; (requires_grad, …) of a newer one
    if (state.items.length === 4) Object.assign(object, rebuildTensor(state.items))
    else if (isKind<TorchTensor>(state.items[0], 'tensor')) Object.assign(object, state.items[0])
  },

  persistent(id): StorageReference {
    const [kind, type, key, , length, part] = sequence(id)
    if (kind !== 'storage' || !isKind<ElementType>(type, 'type') || typeof key !== 'string')
      throw damaged('it refers to something that is no storage')
    const offset = part === undefined || part === null ? 0 : count(sequence(part)[1])
    return { kind, key, type, length: count(length), offset }
  },
} satisfies PickleHost

export function isKind<T extends { readonly kind: string }>(
  value: unknown,
  kind: T['kind'],
): value is T {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind
}

function rebuildTensor(args: readonly unknown[]): TorchTensor {
  const [storage, offset, size, strides] = args
  if (!isKind<StorageReference>(storage, 'storage')) throw damaged('a tensor without a storage')
  const view = {
    offset: count(offset) + storage.offset,
    shape: sequence(size).map(count),
    strides: sequence(strides).map(count),
  }
  return { kind: 'tensor', storage, view }
}

/** A tensor of an element type that came after the storages of each type: (storage, offset, size, strides, …, type). */
function rebuildOther(args: readonly unknown[]): TorchTensor {
  const [storage, , , , , , type] = args
  if (!isKind<StorageReference>(storage, 'storage') || !isKind<TorchName>(type, 'name'))
    throw damaged('a tensor without a storage or a type')
  return { kind: 'tensor', unread: type.name }
}

function wrap([data = { kind: 'tensor' }]: readonly unknown[]): TorchTensor {
  if (!isKind<TorchTensor>(data, 'tensor')) throw damaged('a parameter without a tensor')
  return data
}

/** Python 2 hands the items over as a list of pairs. */
function orderedDict([pairs]: readonly unknown[]): Map<unknown, unknown> {
  const items = pairs === undefined ? [] : sequence(pairs)
  return new Map(items.map((pair) => sequence(pair) as unknown as readonly [unknown, unknown]))
}

function sequence(value: unknown): readonly unknown[] {
  if (value instanceof PyTuple) return value.items
  if (Array.isArray(value)) return value
  throw damaged('a list was expected')
}

function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw damaged('a size that is no number')
  return value
}

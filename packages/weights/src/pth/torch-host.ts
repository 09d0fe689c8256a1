import { CflowError } from '@cflow/base'
import { PyTuple } from './machine.js'
import type { PickleHost } from './machine.js'
import { damaged } from './reader.js'
import { elementTypes } from '../element-types.js'
import type { ElementType } from '../element-types.js'
import type { StridedView } from './strided.js'

/** A storage that a pickle mentions, or a part of it; counts are in elements. */
export interface StorageReference {
  readonly key: string
  readonly type: ElementType
  /** Elements of the whole storage. */
  readonly length: number
  /** Where this part begins in it. */
  readonly offset: number
}

/** A tensor as it stands in a pickle, without its numbers. Old files fill it in two steps. */
export interface TorchTensor {
  kind: 'tensor'
  storage?: StorageReference
  view?: StridedView
  /** The tensor that a Parameter wraps. */
  data?: TorchTensor
}

interface Callable {
  readonly kind: 'callable'
  readonly name: string
  readonly call: (args: readonly unknown[]) => unknown
}

/** The names that a state dict needs. Anything else a pickle asks for is refused. */
const callables: ReadonlyMap<string, Callable['call']> = new Map<string, Callable['call']>([
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_tensor', rebuildTensor],
  ['torch._utils._rebuild_parameter', wrap],
  ['torch.nn.parameter.Parameter', wrap],
  ['collections.OrderedDict', orderedDict],
  ['torch.Size', ([items]) => new PyTuple(sequence(items))],
])

/** Lets a pickle build tensors, parameters, dictionaries and sizes, and nothing else. */
export const torchHost: PickleHost = {
  global(module, name) {
    const full = `${module}.${name}`
    const call = callables.get(full)
    if (call) return { kind: 'callable', name: full, call } satisfies Callable
    const type =
      module === 'torch' ? elementTypes.get(name.replace(/(Storage|Tensor)$/, '')) : undefined
    if (type && name.endsWith('Storage')) return type
    if (type && name.endsWith('Tensor'))
      return { kind: 'callable', name: full, call: wrap } satisfies Callable
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
    else if (isKind<TorchTensor>(state.items[0], 'tensor') && state.items[0] !== object)
      object.data = state.items[0]
  },

  persistent(id) {
    const [kind, type, key, , length, part] = sequence(id)
    if (kind !== 'storage' || !isKind<ElementType>(type, 'type') || typeof key !== 'string')
      throw damaged('it refers to something that is no storage')
    const whole = { key, type, length: count(length), offset: 0 }
    if (part === undefined || part === null) return { kind: 'storage', ...whole }
    const [, offset] = sequence(part)
    return { kind: 'storage', ...whole, offset: count(offset) }
  },
}

export function isKind<T extends { readonly kind: string }>(
  value: unknown,
  kind: T['kind'],
): value is T {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind
}

function rebuildTensor(args: readonly unknown[]): TorchTensor {
  const [storage, offset, size, strides] = args
  if (!isKind<StorageReference & { kind: 'storage' }>(storage, 'storage'))
    throw damaged('a tensor without a storage')
  const view = {
    offset: count(offset) + storage.offset,
    shape: sequence(size).map(count),
    strides: sequence(strides).map(count),
  }
  return { kind: 'tensor', storage, view }
}

function wrap(args: readonly unknown[]): TorchTensor {
  const [data] = args
  if (data === undefined) return { kind: 'tensor' }
  if (!isKind<TorchTensor>(data, 'tensor')) throw damaged('a parameter without a tensor')
  return { kind: 'tensor', data }
}

/** Python 2 hands the items over as a list of pairs. */
function orderedDict(args: readonly unknown[]): Map<unknown, unknown> {
  if (args.length === 0) return new Map()
  return new Map(
    sequence(args[0]).map((pair) => {
      const [key, value] = sequence(pair)
      return [key, value] as const
    }),
  )
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

import { CflowError } from '@cflow/base'
import { ByteReader, damaged } from './reader.js'
import { unpickle } from './unpickle.js'
import type { Weights } from '../weights.js'
import type { StorageReference } from './torch-host.js'
import { torchHost } from './torch-host.js'
import { collectTensors } from './torch-tensors.js'

const magic = 0x1950a86a20f9469cfc6cn
const version = 1001

/**
 * The format of `torch.save` before 1.6: five pickles (magic number, version, facts about the machine, the object, the
 * keys of its storages), then each storage as an int64 number of elements and the elements.
 */
export function readLegacy(bytes: Uint8Array): Weights {
  checkMagic(bytes)
  let position = 0
  const next = (): unknown => {
    const { value, end } = unpickle(bytes, torchHost, position)
    position = end
    return value
  }
  next()
  if (next() !== version) throw damaged('its version is not known')
  const system = next()
  if (system instanceof Map && system.get('little_endian') === false)
    throw new CflowError('WEIGHTS', 'weights from a big-endian machine are not supported')
  const references = new Map<string, StorageReference>()
  const object = unpickle(
    bytes,
    {
      ...torchHost,
      persistent(id) {
        const storage = torchHost.persistent(id) as StorageReference
        const known = references.get(storage.key)
        if (known && known.type !== storage.type) throw damaged('a storage of two types')
        references.set(storage.key, storage)
        return storage
      },
    },
    position,
  )
  position = object.end
  const places = locate(bytes, next(), position, references)
  const read = (storage: StorageReference) => {
    const place = places.get(storage.key)
    if (!place) throw damaged(`storage ${storage.key} is missing`)
    return storage.type.decode(place)
  }
  return collectTensors(object.value, read, 4 * bytes.length)
}

function checkMagic(bytes: Uint8Array): void {
  let found: unknown
  try {
    found = bytes[0] === 0x80 ? unpickle(bytes.subarray(0, 64), torchHost).value : undefined
  } catch {
    found = undefined
  }
  if (found !== magic)
    throw new CflowError('WEIGHTS', 'not a PyTorch weight file', {
      hint: 'give a .pth or .pt file that torch.save wrote, or a .safetensors file',
    })
}

/** The bytes of each storage. */
function locate(
  bytes: Uint8Array,
  keys: unknown,
  position: number,
  references: ReadonlyMap<string, StorageReference>,
): ReadonlyMap<string, Uint8Array> {
  if (!Array.isArray(keys)) throw damaged('the list of its storages is missing')
  const reader = new ByteReader(bytes, position)
  const places = new Map<string, Uint8Array>()
  for (const key of keys as unknown[]) {
    const storage = typeof key === 'string' ? references.get(key) : undefined
    if (!storage) throw damaged('a storage that nothing refers to')
    places.set(storage.key, reader.take(reader.u64() * storage.type.bytes))
  }
  return places
}

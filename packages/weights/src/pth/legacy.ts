import type { Weights } from '../weights.js'
import { unpickle, type PickleHost } from './pickle.js'
import { ByteReader, damaged } from './reader.js'
import { collectTensors } from './tensors.js'
import { bigEndian, otherFile, torchHost, type StorageReference } from './torch.js'

const magic = 0x1950a86a20f9469cfc6cn
const version = 1001

/**
 * The format of `torch.save` before 1.6: five pickles (magic number, version, facts about the machine, the object, the
 * keys of its storages), then each storage as an int64 number of elements and the elements.
 */
export function readLegacy(bytes: Uint8Array): Weights {
  checkMagic(bytes)
  let position = 0
  const next = (host: PickleHost = torchHost): unknown => {
    const { value, end } = unpickle(bytes, host, position)
    position = end
    return value
  }
  next()
  if (next() !== version) throw damaged('its version is not known')
  const system = next()
  if (system instanceof Map && system.get('little_endian') === false) throw bigEndian()
  const references = new Map<string, StorageReference>()
  const object = next({
    ...torchHost,
    persistent(id) {
      const storage = torchHost.persistent(id)
      const known = references.get(storage.key)
      if (known && known.type !== storage.type) throw damaged('a storage of two types')
      references.set(storage.key, storage)
      return storage
    },
  })
  const keys = next()
  const storages = locate(new ByteReader(bytes, position), keys, references)
  const read = (storage: StorageReference) => {
    const found = storages.get(storage.key)
    if (!found) throw damaged(`storage ${storage.key} is missing`)
    return storage.type.decode(found)
  }
  return collectTensors(object, read, 4 * bytes.length)
}

function checkMagic(bytes: Uint8Array): void {
  let found: unknown
  try {
    if (bytes[0] === 0x80) found = unpickle(bytes.subarray(0, 64), torchHost).value
  } catch {
    // another file that begins with the same byte
  }
  if (found !== magic) throw otherFile('not a PyTorch weight file')
}

/** The bytes of each storage. */
function locate(
  reader: ByteReader,
  keys: unknown,
  references: ReadonlyMap<string, StorageReference>,
): ReadonlyMap<string, Uint8Array> {
  if (!Array.isArray(keys)) throw damaged('the list of its storages is missing')
  return new Map(
    keys.map((key: unknown) => {
      const storage = typeof key === 'string' ? references.get(key) : undefined
      if (!storage) throw damaged('a storage that nothing refers to')
      return [storage.key, reader.take(reader.u64() * storage.type.bytes)]
    }),
  )
}

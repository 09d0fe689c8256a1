import { CflowError, messageOf } from '@cflow/base'
import { unzipSync } from 'fflate'
import type { Weights } from '../weights.js'
import { unpickle } from './pickle.js'
import { damaged } from './reader.js'
import { collectTensors } from './tensors.js'
import { bigEndian, otherFile, torchHost } from './torch.js'

const maxFiles = 100_000
/** Deflated weights shrink by a tenth; files that grow more than this are bombs. */
const maxGrowth = 32
const minAllowance = 2 ** 20

export const isZip = (bytes: Uint8Array): boolean =>
  bytes[0] === 0x50 && bytes[1] === 0x4b && bytes[2] === 3 && bytes[3] === 4

/** The format of `torch.save` since 1.6: a zip of `<name>/data.pkl` and one file `<name>/data/<key>` per storage. */
export function readZip(bytes: Uint8Array): Weights {
  const files = unpack(bytes)
  const pickles = [...files.keys()].filter((name) => /^[^/]+\/data\.pkl$/.test(name))
  const [pickle] = pickles
  if (pickle === undefined || pickles.length > 1)
    throw otherFile('a zip file, but not one that torch.save wrote')
  const folder = pickle.slice(0, -'data.pkl'.length)
  const order = files.get(`${folder}byteorder`)
  if (order && new TextDecoder().decode(order) === 'big') throw bigEndian()
  const { value } = unpickle(files.get(pickle) as Uint8Array, torchHost)
  const unpacked = [...files.values()].reduce((n, file) => n + file.length, 0)
  return collectTensors(
    value,
    (storage) => {
      const data = files.get(`${folder}data/${storage.key}`)
      if (!data) throw damaged(`storage ${storage.key} is missing`)
      const length = storage.length * storage.type.bytes
      if (data.length < length) throw damaged(`storage ${storage.key} is too short`)
      return storage.type.decode(data.subarray(0, length))
    },
    4 * unpacked,
  )
}

/** The files of the archive that matter. */
function unpack(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const allowance = Math.max(bytes.length * maxGrowth, minAllowance)
  let total = 0
  let count = 0
  try {
    const files = unzipSync(bytes, {
      filter: ({ name, size, originalSize }) => {
        if (++count > maxFiles) throw damaged('it holds too many files')
        if (!/\/(data\.pkl|byteorder|data\/[^/]+)$/.test(name)) return false
        total += Math.max(size, originalSize)
        if (!(total <= allowance)) throw damaged('it unpacks to far more than its size')
        return true
      },
    })
    return new Map(Object.entries(files))
  } catch (error) {
    throw error instanceof CflowError ? error : damaged(messageOf(error))
  }
}

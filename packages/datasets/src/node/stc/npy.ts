import type { CflowError } from '@cflow/base'
import { stat } from 'node:fs/promises'
import { fault, readPart } from '../files.js'

/** No header is longer than this. */
const maxHeaderBytes = 1 << 16
/** No slice has more elements than this. */
const maxElements = 100_000_000
/** Bytes read at a time where the elements of a slice lie scattered. */
const chunkBytes = 1 << 22

/** What the header of a NumPy `.npy` file says of the array in it. */
export interface Npy {
  readonly path: string
  readonly shape: readonly number[]
  readonly itemBytes: number
  /** Of floating point: −0 is zero. */
  readonly float: boolean
  readonly littleEndian: boolean
  /** Whether the first axis varies fastest (Fortran order), not the last (C order). */
  readonly fortran: boolean
  /** Where the elements begin. */
  readonly offset: number
}

/**
 * Read the header of a `.npy` file, versions 1 to 3: bool, (u)int8 to 64, float16 to 64, in C or Fortran order. The
 * file's size is checked against it; no element is read.
 * @throws CflowError NOT_FOUND, IO; MASK for another file, another element type, or one that is cut off
 */
export async function openNpy(path: string): Promise<Npy> {
  const prefix = Buffer.from(await readPart(path, 0, 12))
  const version = prefix[6] ?? 0
  const magic = prefix.toString('latin1', 0, 6)
  if (prefix.length < 12 || magic !== '\x93NUMPY' || version < 1 || version > 3)
    throw damaged(path, 'it is no NumPy array')
  const start = version === 1 ? 10 : 12
  const length = version === 1 ? prefix.readUInt16LE(8) : prefix.readUInt32LE(8)
  if (length > maxHeaderBytes) throw damaged(path, 'its header is too long')
  const header = Buffer.from(await readPart(path, start, length)).toString('latin1')
  const npy = parseHeader(path, header, start + length)
  const bytes = npy.offset + product(npy.shape) * npy.itemBytes
  const { size } = await stat(path)
  if (header.length !== length || size !== bytes)
    throw damaged(path, `it has ${size} bytes where ${bytes} belong`)
  return npy
}

function parseHeader(path: string, header: string, offset: number): Npy {
  const descr = /'descr'\s*:\s*'([<>|=]?)([a-zA-Z])(\d+)'/.exec(header)
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)
  const shape = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(header)
  if (!descr || !fortran || !shape) throw damaged(path, 'its header cannot be read')
  const [, order, letter = '', digits] = descr
  const itemBytes = Number(digits)
  if (!'biuf'.includes(letter) || ![1, 2, 4, 8].includes(itemBytes))
    throw damaged(path, `its elements are of type ${letter}${digits}, not bool, integer or float`)
  const axes = (shape[1] ?? '').split(',').filter((axis) => axis.trim() !== '')
  return {
    path,
    shape: axes.map(Number),
    itemBytes,
    float: letter === 'f',
    littleEndian: order !== '>',
    fortran: fortran[1] === 'True',
    offset,
  }
}

/**
 * Which elements of one slice along the first axis are not zero. Only the slice is read from a file in C order; in
 * Fortran order its elements lie scattered (`count` of other slices from one to the next), and the file is passed
 * through piece by piece.
 * @returns 0 or 1 per element, `[…]` of the other axes in C order; of a one-dimensional array, one element
 * @throws CflowError IO, and MASK where the file has shrunk
 */
export async function readNonZeroAt(npy: Npy, index: number): Promise<Uint8Array> {
  const { path, itemBytes, fortran } = npy
  const [count = 0, ...rest] = npy.shape
  const elements = product(rest)
  if (!Number.isInteger(index) || index < 0 || index >= count)
    throw damaged(path, `it has no element ${index} of ${count}`)
  if (elements > maxElements)
    throw damaged(path, `a slice of ${elements} elements is more than the ${maxElements} allowed`)
  const stride = fortran ? count * itemBytes : itemBytes
  const first = npy.offset + index * (fortran ? itemBytes : elements * itemBytes)
  const max = fortran ? Math.max(1, Math.floor(chunkBytes / stride)) : elements
  const flags = new Uint8Array(elements)
  for (let k = 0; k < elements; k += max) {
    const some = Math.min(max, elements - k)
    const length = (some - 1) * stride + itemBytes
    const bytes = await readPart(path, first + k * stride, length)
    if (bytes.length < length) throw damaged(path, 'it is cut off')
    for (let j = 0; j < some; j++)
      flags[fortran ? cOrder(k + j, rest) : k + j] = nonZero(npy, bytes, j * stride)
  }
  return flags
}

/** Which elements of a one-dimensional array are not zero; as `readNonZeroAt`. */
export async function readNonZero(npy: Npy): Promise<Uint8Array> {
  if (npy.shape.length !== 1)
    throw damaged(npy.path, `it has ${npy.shape.length} axes where one belongs`)
  return readNonZeroAt({ ...npy, shape: [1, ...npy.shape] }, 0)
}

/** Index in C order of the element at index k in Fortran order: element (y, x …) lies at y + height·(x + …). */
function cOrder(k: number, shape: readonly number[]): number {
  let left = k
  let index = 0
  let step = product(shape)
  for (const size of shape) {
    step /= size
    index += (left % size) * step
    left = Math.floor(left / size)
  }
  return index
}

function nonZero({ itemBytes, float, littleEndian }: Npy, bytes: Uint8Array, at: number): 0 | 1 {
  const sign = littleEndian ? at + itemBytes - 1 : at
  for (let i = at; i < at + itemBytes; i++) {
    const byte = bytes[i] as number
    if (float && i === sign ? (byte & 0x7f) !== 0 : byte !== 0) return 1
  }
  return 0
}

const product = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1)

function damaged(path: string, why: string): CflowError {
  const hint = 'Masks are .npy files of numpy.save: bool, integer or float, 0 for normal.'
  return fault('MASK', path, `cannot be used: ${why}`, hint)
}

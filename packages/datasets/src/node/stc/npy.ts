import { CflowError } from '@cflow/base'
import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { fileError } from '../files.js'

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
  readonly kind: 'bool' | 'integer' | 'float'
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
export function openNpy(path: string): Promise<Npy> {
  return withFile(path, async (file) => {
    const prefix = await readAt(file, 0, 12)
    const magic = String.fromCharCode(...prefix.subarray(0, 6))
    const version = prefix[6] ?? 0
    if (prefix.length < 12 || magic !== '\x93NUMPY' || version < 1 || version > 3)
      throw damaged(path, 'it is no NumPy array')
    const view = new DataView(prefix.buffer, prefix.byteOffset, prefix.length)
    const start = version === 1 ? 10 : 12
    const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true)
    if (length > maxHeaderBytes) throw damaged(path, 'its header is too long')
    const header = Buffer.from(await readAt(file, start, length)).toString('latin1')
    const npy = parseHeader(path, header, start + length)
    const bytes = npy.offset + npy.shape.reduce((n, d) => n * d, 1) * npy.itemBytes
    const { size } = await file.stat()
    if (header.length !== length || size !== bytes)
      throw damaged(path, `it has ${size} bytes where ${bytes} belong`)
    return npy
  })
}

function parseHeader(path: string, header: string, offset: number): Npy {
  const descr = /'descr'\s*:\s*'([<>|=]?)([a-zA-Z])(\d+)'/.exec(header)
  const fortran = /'fortran_order'\s*:\s*(True|False)/.exec(header)
  const shape = /'shape'\s*:\s*\(([\d,\s]*)\)/.exec(header)
  if (!descr || !fortran || !shape) throw damaged(path, 'its header cannot be read')
  const [, order, letter = '', digits] = descr
  const kind = ({ b: 'bool', i: 'integer', u: 'integer', f: 'float' } as const)[letter]
  const itemBytes = Number(digits)
  if (!kind || ![1, 2, 4, 8].includes(itemBytes))
    throw damaged(path, `its elements are of type ${letter}${digits}, not bool, integer or float`)
  const axes = (shape[1] ?? '').split(',').filter((axis) => axis.trim() !== '')
  return {
    path,
    shape: axes.map(Number),
    itemBytes,
    kind,
    littleEndian: order !== '>',
    fortran: fortran[1] === 'True',
    offset,
  }
}

/**
 * Which elements of one slice along the first axis are not zero. Only the slice is read from a file in C order; in
 * Fortran order its elements lie scattered, and the file is passed through piece by piece.
 * @returns 0 or 1 per element, `[…]` of the other axes in C order; of a one-dimensional array, one element
 * @throws CflowError IO, and MASK where the file has shrunk
 */
export function readNonZeroAt(npy: Npy, index: number): Promise<Uint8Array> {
  const [count = 0, ...rest] = npy.shape
  const elements = rest.reduce((n, d) => n * d, 1)
  if (!Number.isInteger(index) || index < 0 || index >= count)
    throw damaged(npy.path, `it has no element ${index} of ${count}`)
  return npy.fortran && rest.length > 0
    ? scattered(npy, index, count, rest, elements)
    : contiguous(npy, index * elements, elements)
}

/** Which elements of a one-dimensional array are not zero; as `readNonZeroAt`. */
export function readNonZero(npy: Npy): Promise<Uint8Array> {
  if (npy.shape.length !== 1)
    throw damaged(npy.path, `it has ${npy.shape.length} axes where one belongs`)
  return contiguous(npy, 0, npy.shape[0] as number)
}

function contiguous(npy: Npy, from: number, elements: number): Promise<Uint8Array> {
  requireSmall(npy, elements)
  return withFile(npy.path, async (file) => {
    const at = npy.offset + from * npy.itemBytes
    const bytes = await readAt(file, at, elements * npy.itemBytes)
    if (bytes.length < elements * npy.itemBytes) throw damaged(npy.path, 'it is cut off')
    const flags = new Uint8Array(elements)
    for (let i = 0; i < elements; i++) flags[i] = nonZero(npy, bytes, i * npy.itemBytes)
    return flags
  })
}

/** Element (index, y, x …) lies at index + count·(y + height·(x + …)). */
function scattered(
  npy: Npy,
  index: number,
  count: number,
  rest: readonly number[],
  elements: number,
): Promise<Uint8Array> {
  requireSmall(npy, elements)
  return withFile(npy.path, async (file) => {
    const flags = new Uint8Array(elements)
    const stride = count * npy.itemBytes
    const most = Math.max(1, Math.floor(chunkBytes / stride))
    for (let k = 0; k < elements; k += most) {
      const some = Math.min(most, elements - k)
      const bytes = await readAt(file, npy.offset + k * stride, some * stride)
      if (bytes.length < some * stride) throw damaged(npy.path, 'it is cut off')
      for (let j = 0; j < some; j++)
        flags[cOrder(k + j, rest)] = nonZero(npy, bytes, j * stride + index * npy.itemBytes)
    }
    return flags
  })
}

/** Place in C order of the element at place k in Fortran order. */
function cOrder(k: number, shape: readonly number[]): number {
  let left = k
  let place = 0
  let step = shape.reduce((n, d) => n * d, 1)
  for (const size of shape) {
    step /= size
    place += (left % size) * step
    left = Math.floor(left / size)
  }
  return place
}

function nonZero({ itemBytes, kind, littleEndian }: Npy, bytes: Uint8Array, at: number): 0 | 1 {
  const sign = littleEndian ? at + itemBytes - 1 : at
  for (let i = at; i < at + itemBytes; i++) {
    const byte = bytes[i] as number
    // −0 is zero
    if (kind === 'float' && i === sign ? (byte & 0x7f) !== 0 : byte !== 0) return 1
  }
  return 0
}

function requireSmall({ path }: Npy, elements: number): void {
  if (elements > maxElements)
    throw damaged(path, `a slice of ${elements} elements is more than the ${maxElements} allowed`)
}

async function withFile<T>(path: string, work: (file: FileHandle) => Promise<T>): Promise<T> {
  const file = await open(path, 'r').catch((cause: unknown) => {
    throw fileError(path, cause)
  })
  try {
    return await work(file)
  } catch (cause) {
    throw cause instanceof CflowError ? cause : fileError(path, cause)
  } finally {
    await file.close()
  }
}

/** The bytes from a place on; fewer at the end of the file. */
async function readAt(file: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}

function damaged(path: string, why: string): CflowError {
  return new CflowError('MASK', `${path} cannot be used: ${why}`, {
    subject: path,
    hint: 'Masks are .npy files of numpy.save: bool, integer or float, 0 for normal.',
  })
}

/**
 * Damage in the middle of a JPEG, which decoders pass over: they decode whatever bits there are, so that a picture with a
 * hole in its file comes out whole, shifted and in wrong colours. Here the codes are read without making pixels of them.
 * They have no checksum, but damage puts the reader out of step: a code that does not exist, a coefficient outside the block
 * or the range, restart markers that are missing, or data that end before or after the last block. Damage that happens to
 * stay in step (a few bits) is not found.
 */

/** Bytes that may lie between the last block and the next marker: cameras add some. */
const tolerance = 4

interface Component {
  readonly id: number
  /** Blocks in a unit that is coded together, across and down. */
  readonly h: number
  readonly v: number
  /** Quantisation of the mean of a block. */
  readonly table: number
  /** Blocks across and down in a scan of this component alone, and in rows of whole units. */
  columns: number
  rows: number
  stride: number
  /** Which coefficients are known not to be zero, of progressive files. */
  nonzero: Uint8Array | undefined
  seen: boolean
}

interface Frame {
  readonly progressive: boolean
  readonly across: number
  readonly down: number
  readonly components: readonly Component[]
}

/** Codes of a Huffman table by the next 16 bits: length · 256 + value; 0 where there is none. */
type Codes = Uint16Array

/** Thrown to stop reading; the message says what is wrong. */
class Damage extends Error {}
/** A kind of file that is not checked. */
class Unknown extends Error {}

/** What is damaged in the coded picture of a JPEG file; undefined where nothing is, or the kind of file is not known. */
export function jpegDamage(bytes: Uint8Array): string | undefined {
  try {
    readFile(bytes)
    return undefined
  } catch (error) {
    if (error instanceof Damage) return error.message
    if (error instanceof Unknown || error instanceof RangeError) return undefined
    throw error
  }
}

function readFile(bytes: Uint8Array): void {
  const codes = new Map<number, Codes>()
  const means = new Map<number, number>()
  let frame: Frame | undefined
  let interval = 0
  let at = 2
  for (;;) {
    while (at < bytes.length && bytes[at] !== 0xff) at++
    while (bytes[at] === 0xff) at++
    const marker = bytes[at++]
    if (marker === undefined || marker === 0xd9) break
    if (marker === 0 || marker === 1 || (marker >= 0xd0 && marker <= 0xd8)) continue
    const length = (bytes[at]! << 8) | bytes[at + 1]!
    const segment = bytes.subarray(at + 2, at + length)
    at += length
    if (marker === 0xc4) readCodes(segment, codes)
    else if (marker === 0xdb) readMeans(segment, means)
    else if (marker === 0xdd) interval = (segment[0]! << 8) | segment[1]!
    else if (marker >= 0xc0 && marker <= 0xc2) frame = readFrame(segment, marker === 0xc2)
    else if (marker >= 0xc3 && marker <= 0xcf && marker !== 0xc8) throw new Unknown()
    else if (marker === 0xda) {
      if (!frame) throw new Unknown()
      at = readScan(bytes, at, segment, frame, codes, means, interval)
    }
  }
  if (!frame) return
  const ended = bytes[at - 1] === 0xd9
  if (frame.progressive && !ended) throw new Damage('it ends before its last pass')
  if (!frame.components.every((c) => c.seen)) throw new Damage('a colour of it is missing')
}

function readCodes(segment: Uint8Array, all: Map<number, Codes>): void {
  for (let at = 0; at + 17 <= segment.length;) {
    const id = segment[at]!
    const lengths = segment.subarray(at + 1, at + 17)
    at += 17
    const table = new Uint16Array(65536)
    let code = 0
    for (let length = 1; length <= 16; length++) {
      for (let i = 0; i < lengths[length - 1]!; i++) {
        const from = code++ << (16 - length)
        table.fill((length << 8) | segment[at++]!, from, from + (1 << (16 - length)))
      }
      code <<= 1
    }
    all.set(id, table)
  }
}

function readMeans(segment: Uint8Array, means: Map<number, number>): void {
  for (let at = 0; at < segment.length;) {
    const wide = segment[at]! >> 4 !== 0
    means.set(
      segment[at]! & 15,
      wide ? (segment[at + 1]! << 8) | segment[at + 2]! : segment[at + 1]!,
    )
    at += wide ? 129 : 65
  }
}

function readFrame(segment: Uint8Array, progressive: boolean): Frame {
  const [height, width] = [(segment[1]! << 8) | segment[2]!, (segment[3]! << 8) | segment[4]!]
  // twelve bits, or a height that is told later
  if (segment[0] !== 8 || height === 0 || width === 0) throw new Unknown()
  const read = Array.from({ length: segment[5]! }, (_, i) => {
    const [id, sampling, table] = segment.subarray(6 + 3 * i, 9 + 3 * i) as unknown as number[]
    return { id: id!, h: sampling! >> 4, v: sampling! & 15, table: table! }
  })
  const most = (values: readonly number[]) => Math.max(...values)
  const [h, v] = [most(read.map((c) => c.h)), most(read.map((c) => c.v))]
  if (!read.every((c) => c.h > 0 && c.v > 0)) throw new Unknown()
  const [across, down] = [Math.ceil(width / (8 * h)), Math.ceil(height / (8 * v))]
  const components = read.map((c): Component => {
    const columns = Math.ceil(Math.ceil((width * c.h) / h) / 8)
    const rows = Math.ceil(Math.ceil((height * c.v) / v) / 8)
    return { ...c, columns, rows, stride: across * c.h, nonzero: undefined, seen: false }
  })
  return { progressive, across, down, components }
}

/** A component in a scan. */
interface Scanned {
  readonly component: Component
  readonly dc: Codes | undefined
  readonly ac: Codes | undefined
  /** The mean of the block before, in units of its quantisation. */
  mean: number
  /** Largest mean that a block of eight bits can have, in the same units. */
  readonly largest: number
}

interface Scan {
  readonly parts: readonly Scanned[]
  readonly from: number
  readonly to: number
  readonly high: number
  readonly low: number
  readonly progressive: boolean
}

/** @returns where the next marker is */
function readScan(
  bytes: Uint8Array,
  start: number,
  header: Uint8Array,
  frame: Frame,
  codes: ReadonlyMap<number, Codes>,
  means: ReadonlyMap<number, number>,
  interval: number,
): number {
  const count = header[0]!
  const [from = 0, to = 63, bits = 0] = header.subarray(1 + 2 * count)
  const parts = Array.from({ length: count }, (_, i): Scanned => {
    const [id, tables] = [header[1 + 2 * i]!, header[2 + 2 * i]!]
    const component = frame.components.find((c) => c.id === id)
    const quantisation = component && means.get(component.table)
    if (!component || !quantisation) throw new Unknown()
    const largest = (2048 / quantisation + 1) / 2 ** (bits & 15)
    const [dc, ac] = [codes.get(tables >> 4), codes.get(16 + (tables & 15))]
    component.seen ||= from === 0
    return { component, dc, ac, mean: 0, largest }
  })
  const scan: Scan = {
    parts,
    from,
    to,
    high: bits >> 4,
    low: bits & 15,
    progressive: frame.progressive,
  }
  const [only] = parts
  const single = count === 1 && only
  const units = single ? only.component.columns * only.component.rows : frame.across * frame.down
  const perPart = interval || units
  let at = start
  for (let done = 0, part = 0; done < units; part++) {
    const { data, next } = unstuffed(bytes, at)
    const size = Math.min(perPart, units - done)
    const used = readUnits(data, scan, frame, done, size)
    done += size
    const left = leftOver(data, used)
    if (left > tolerance) throw new Damage(`${left} bytes are left over after its blocks`)
    at = next
    if (done === units) break
    if (bytes[at + 1] !== 0xd0 + (part % 8)) throw new Damage('a restart marker is missing')
    at += 2
  }
  if (bytes[at + 1]! >= 0xd0 && bytes[at + 1]! <= 0xd7) throw new Damage('it has too many blocks')
  return at
}

/** Coded data up to the next marker, without the zero bytes that keep them apart from markers. */
function unstuffed(bytes: Uint8Array, start: number): { data: Uint8Array; next: number } {
  let end = bytes.indexOf(0xff, start)
  while (end >= 0 && bytes[end + 1] === 0) end = bytes.indexOf(0xff, end + 2)
  const next = end < 0 ? bytes.length : end
  // three more bytes, so that bits can be looked up at the end; ones, as padding is
  const data = new Uint8Array(next - start + 3).fill(0xff)
  let length = 0
  for (let at = start; at < next;) {
    const stuffed = bytes.indexOf(0xff, at)
    const stop = stuffed < 0 || stuffed >= next ? next : stuffed + 1
    data.set(bytes.subarray(at, stop), length)
    length += stop - at
    at = stop < next ? stop + 1 : stop
  }
  // fill bytes before a marker
  let marker = next
  while (bytes[marker] === 0xff && bytes[marker + 1] === 0xff) marker++
  return { data: data.subarray(0, length + 3), next: marker }
}

/** Bytes after the last block, without fill bytes. */
function leftOver(data: Uint8Array, usedBits: number): number {
  let end = data.length - 3
  const used = Math.ceil(usedBits / 8)
  while (end > used && (data[end - 1] === 0xff || data[end - 1] === 0)) end--
  return end - used
}

/** Read so many units from the beginning of some data. @returns the bits that they took */
function readUnits(
  data: Uint8Array,
  scan: Scan,
  frame: Frame,
  first: number,
  size: number,
): number {
  const { parts, from, to, high, progressive } = scan
  const bits = (data.length - 3) * 8
  let at = 0
  let run = 0
  for (const part of parts) part.mean = 0

  const peek = (): number => {
    const byte = at >> 3
    const word = (data[byte]! << 16) | (data[byte + 1]! << 8) | data[byte + 2]!
    return (word >> (8 - (at & 7))) & 0xffff
  }
  const take = (count: number): number => {
    if (count === 0) return 0
    const value = peek() >> (16 - count)
    at += count
    if (at > bits) throw new Damage('its data end before its last block')
    return value
  }
  const symbol = (codes: Codes | undefined): number => {
    if (!codes) throw new Unknown()
    const code = codes[peek()]!
    if (code === 0) throw new Damage(at >= bits - 16 ? 'its data end before its last block' : 'a code of it does not exist') // prettier-ignore
    at += code >> 8
    if (at > bits) throw new Damage('its data end before its last block')
    return code & 255
  }

  const mean = (part: Scanned): void => {
    const size = symbol(part.dc)
    if (size > 11) throw new Damage('a block of it is out of range')
    const value = take(size)
    part.mean += size > 0 && value < 1 << (size - 1) ? value - (1 << size) + 1 : value
    if (Math.abs(part.mean) > part.largest) throw new Damage('a block of it is out of range')
  }
  /** Coefficients of a block for the first time. */
  const coefficients = (
    codes: Codes | undefined,
    k: number,
    nonzero?: Uint8Array,
    base = 0,
  ): void => {
    while (k <= to) {
      const both = symbol(codes)
      const [zeros, size] = [both >> 4, both & 15]
      if (size === 0) {
        if (zeros === 15) {
          k += 16
          continue
        }
        if (progressive) run = (1 << zeros) + take(zeros) - 1
        else if (zeros > 0) throw new Damage('a code of it does not exist')
        return
      }
      k += zeros
      if (k > to || size > 10) throw new Damage('a block of it is out of range')
      at += size
      if (nonzero) nonzero[base + k] = 1
      k++
    }
    if (at > bits) throw new Damage('its data end before its last block')
  }
  /** One more bit of coefficients that are known, and those that are not zero any more. */
  const refine = (codes: Codes | undefined, nonzero: Uint8Array, base: number): void => {
    let k = from
    while (run === 0 && k <= to) {
      const both = symbol(codes)
      let zeros = both >> 4
      const size = both & 15
      if (size === 0 && zeros < 15) {
        run = (1 << zeros) + take(zeros)
        break
      }
      if (size > 1) throw new Damage('a block of it is out of range')
      if (size === 1) take(1)
      for (; k <= to; k++) {
        if (nonzero[base + k] === 1) take(1)
        else if (zeros-- === 0) break
      }
      if (size === 1) {
        if (k > to) throw new Damage('a block of it is out of range')
        nonzero[base + k] = 1
      }
      k++
    }
    if (run === 0) return
    for (; k <= to; k++) if (nonzero[base + k] === 1) take(1)
    run--
  }
  const block = (part: Scanned, x: number, y: number): void => {
    const { component, ac } = part
    if (!progressive) {
      mean(part)
      coefficients(ac, 1)
    } else if (from === 0) {
      if (high === 0) mean(part)
      else take(1)
    } else {
      component.nonzero ??= new Uint8Array(component.stride * frame.down * component.v * 64)
      const base = (y * component.stride + x) * 64
      if (high > 0) refine(ac, component.nonzero, base)
      else if (run > 0) run--
      else coefficients(ac, from, component.nonzero, base)
    }
  }

  const [only] = parts
  for (let unit = first; unit < first + size; unit++) {
    if (parts.length === 1) {
      const { columns } = only!.component
      block(only!, unit % columns, Math.floor(unit / columns))
    } else
      for (const part of parts)
        for (let b = part.component.h * part.component.v; b > 0; b--) block(part, 0, 0)
  }
  if (at > bits) throw new Damage('its data end before its last block')
  if (run > 0) throw new Damage('it has fewer blocks than it says')
  return at
}

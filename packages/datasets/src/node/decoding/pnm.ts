import { type Format, type Samples } from './samples.js'

interface Header {
  readonly kind: number
  readonly width: number
  readonly height: number
  readonly max: number
  /** Where the pixels begin. */
  readonly at: number
}

const isSpace = (byte: number | undefined): boolean =>
  byte === 32 || (byte !== undefined && byte >= 9 && byte <= 13)

/** Where the next word of a text is, comments passed over. */
function skipped(bytes: Uint8Array, start: number): number {
  let at = start
  while (isSpace(bytes[at]) || bytes[at] === 0x23) {
    if (bytes[at] === 0x23) while (at < bytes.length && bytes[at] !== 10) at++
    at++
  }
  return at
}

function numberAt(bytes: Uint8Array, start: number): { value: number; at: number } {
  const from = skipped(bytes, start)
  let at = from
  let value = 0
  for (; bytes[at]! >= 48 && bytes[at]! <= 57 && at - from < 9; at++)
    value = value * 10 + bytes[at]! - 48
  if (at === from)
    throw new Error(at >= bytes.length ? 'its pixels end early' : 'a number is missing')
  return { value, at }
}

function headerOf(bytes: Uint8Array): Header {
  const kind = bytes[1]! - 48
  const width = numberAt(bytes, 2)
  const height = numberAt(bytes, width.at)
  const bitmap = kind === 1 || kind === 4
  const max = bitmap ? { value: 1, at: height.at } : numberAt(bytes, height.at)
  if (width.value === 0 || height.value === 0) throw new Error('it has no pixels')
  if (max.value === 0 || max.value > 65535) throw new Error('its largest value is out of range')
  return { kind, width: width.value, height: height.value, max: max.value, at: max.at + 1 }
}

/** Netpbm's bitmaps, grey and colour maps, as text (P1 to P3) and as bytes (P4 to P6), up to 16 bits. */
export const pnm: Format = {
  name: 'PNM',
  matches: ([p, kind, space]) =>
    p === 0x50 && kind! >= 49 && kind! <= 54 && (isSpace(space) || space === 0x23),
  sizeOf: headerOf,
  decode(bytes): Samples {
    const { kind, width, height, max, at } = headerOf(bytes)
    const channels = kind % 3 === 0 ? 3 : 1
    const count = width * height * channels
    const data = max > 255 ? new Uint16Array(count) : new Uint8Array(count)
    if (kind <= 3) readText(bytes, at - 1, data, kind === 1)
    else if (kind === 4) readBits(bytes, at, data, width)
    else readBinary(bytes, at, data)
    if (data.some((v) => v > max)) throw new Error('a pixel is above its largest value')
    // in bitmaps one is black
    if (kind === 1 || kind === 4) for (let i = 0; i < count; i++) data[i] = 1 - data[i]!
    return { width, height, channels, data, max, lossy: undefined }
  },
}

type Data = Uint8Array | Uint16Array

function readText(bytes: Uint8Array, start: number, data: Data, bitmap: boolean): void {
  let at = start
  for (let i = 0; i < data.length; i++) {
    // digits of bitmaps need no space between them
    const digit = bitmap ? digitAt(bytes, at) : numberAt(bytes, at)
    if (digit.value > 65535) throw new Error('a pixel is above its largest value')
    data[i] = digit.value
    at = digit.at
  }
}

function digitAt(bytes: Uint8Array, start: number): { value: number; at: number } {
  const at = skipped(bytes, start)
  const value = (bytes[at] ?? 0) - 48
  if (value !== 0 && value !== 1) throw new Error('its pixels end early')
  return { value, at: at + 1 }
}

function readBits(bytes: Uint8Array, start: number, data: Data, width: number): void {
  const bytesPerRow = Math.ceil(width / 8)
  if (start + bytesPerRow * (data.length / width) > bytes.length)
    throw new Error('its pixels end early')
  for (let i = 0; i < data.length; i++) {
    const x = i % width
    const byte = bytes[start + Math.floor(i / width) * bytesPerRow + (x >> 3)]!
    data[i] = (byte >> (7 - (x & 7))) & 1
  }
}

function readBinary(bytes: Uint8Array, start: number, data: Data): void {
  const wide = data instanceof Uint16Array
  if (start + data.length * (wide ? 2 : 1) > bytes.length) throw new Error('its pixels end early')
  if (!wide) return data.set(bytes.subarray(start, start + data.length))
  for (let i = 0; i < data.length; i++)
    data[i] = (bytes[start + 2 * i]! << 8) | bytes[start + 2 * i + 1]!
}

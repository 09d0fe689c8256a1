import { Unsupported, type Format, type Samples } from './samples.js'

/** Compressions of the format's header. */
const [plain, rle8, rle4, masked, maskedWithAlpha] = [0, 1, 2, 3, 6]

interface Header {
  readonly width: number
  readonly height: number
  readonly topDown: boolean
  readonly bits: number
  readonly compression: number
  /** Where pixels, palette and masks lie. */
  readonly pixels: number
  readonly palette: number
  readonly colours: number
  readonly bytesPerColour: 3 | 4
  readonly masks: readonly [red: number, green: number, blue: number]
}

function headerOf(bytes: Uint8Array): Header {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const u32 = (at: number) => view.getUint32(at, true)
  const u16 = (at: number) => view.getUint16(at, true)
  const size = u32(14)
  const core = size === 12
  if (!core && size < 40) throw new Error('its header is of no known kind')
  const rows = core ? u16(20) : view.getInt32(22, true)
  const bits = u16(core ? 24 : 28)
  const compression = core ? plain : u32(30)
  const hasMasks = compression === masked || compression === maskedWithAlpha
  const width = core ? u16(18) : view.getInt32(18, true)
  const height = Math.abs(rows)
  if (width <= 0 || height === 0) throw new Error('it has no pixels')
  const allowed = { [plain!]: [1, 4, 8, 16, 24, 32], [rle8!]: [8], [rle4!]: [4] }[compression]
  if (!(hasMasks ? [16, 32] : (allowed ?? [])).includes(bits))
    throw new Unsupported(`is a BMP of ${bits} bits in compression ${compression}`)
  const behind = size === 40 && hasMasks ? (compression === masked ? 12 : 16) : 0
  return {
    ...{ width, height, topDown: rows < 0, bits, compression, pixels: u32(10) },
    palette: 14 + size + behind,
    colours: bits > 8 ? 0 : core ? 1 << bits : u32(46) || 1 << bits,
    bytesPerColour: core ? 3 : 4,
    masks: hasMasks
      ? [u32(54), u32(58), u32(62)]
      : bits === 16
        ? [0x7c00, 0x3e0, 0x1f]
        : [0xff0000, 0xff00, 0xff],
  }
}

/** Microsoft's bitmap: 1 to 32 bits, palettes, run lengths, bit masks, either way up. */
export const bmp: Format = {
  name: 'BMP',
  matches: ([b, m]) => b === 0x42 && m === 0x4d,
  sizeOf: headerOf,
  decode(bytes) {
    const header = headerOf(bytes)
    const { width, height, bits, compression } = header
    const data = new Uint8Array(width * height * 3)
    if (compression === rle8 || compression === rle4) runs(bytes, header, data)
    else if (bits <= 8) indexed(bytes, header, data)
    else direct(bytes, header, data)
    return { width, height, channels: 3, data, max: 255, lossy: undefined } satisfies Samples
  },
}

/** Bytes of a row, and where a row begins; the last one may lack its padding. */
function rowsOf(bytes: Uint8Array, { width, height, bits, pixels, topDown }: Header) {
  const bytesPerRow = Math.ceil((bits * width) / 32) * 4
  if (pixels + bytesPerRow * (height - 1) + Math.ceil((bits * width) / 8) > bytes.length)
    throw new Error('its pixels end early')
  return (y: number) => pixels + bytesPerRow * (topDown ? y : height - 1 - y)
}

/** Writes the colour of an index at a pixel. */
function painter(bytes: Uint8Array, header: Header, data: Uint8Array) {
  const { palette, colours, bytesPerColour, pixels } = header
  const known = Math.min(
    colours,
    Math.floor((Math.min(pixels, bytes.length) - palette) / bytesPerColour),
  )
  return (index: number, pixel: number) => {
    if (index >= known) throw new Error('a pixel has a colour that its palette lacks')
    const at = palette + index * bytesPerColour
    for (let c = 0; c < 3; c++) data[pixel * 3 + c] = bytes[at + 2 - c]!
  }
}

function indexed(bytes: Uint8Array, header: Header, data: Uint8Array): void {
  const { width, height, bits } = header
  const rowAt = rowsOf(bytes, header)
  const paint = painter(bytes, header, data)
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const bit = x * bits
      const byte = bytes[rowAt(y) + (bit >> 3)]!
      paint((byte >> (8 - bits - (bit & 7))) & ((1 << bits) - 1), y * width + x)
    }
}

function direct(bytes: Uint8Array, header: Header, data: Uint8Array): void {
  const { width, height, bits, masks } = header
  const rowAt = rowsOf(bytes, header)
  const step = bits / 8
  const channels = masks.map((mask) => {
    const shift = mask === 0 ? 0 : 31 - Math.clz32(mask & -mask)
    return { mask, shift, top: mask >>> shift || 1 }
  })
  for (let y = 0, to = 0; y < height; y++)
    for (let x = 0, at = rowAt(y); x < width; x++, at += step) {
      let value = bytes[at]! | (bytes[at + 1]! << 8)
      if (step > 2) value |= bytes[at + 2]! << 16
      if (step > 3) value |= bytes[at + 3]! << 24
      for (const { mask, shift, top } of channels)
        data[to++] = Math.round((((value & mask) >>> shift) * 255) / top)
    }
}

function runs(bytes: Uint8Array, header: Header, data: Uint8Array): void {
  const { width, height, bits, topDown } = header
  const paint = painter(bytes, header, data)
  // what no run covers has the first colour
  for (let pixel = 0; pixel < width * height; pixel++) paint(0, pixel)
  let [at, x, y] = [header.pixels, 0, 0]
  const next = (): number => {
    const byte = bytes[at++]
    if (byte === undefined) throw new Error('its pixels end early')
    return byte
  }
  const put = (index: number): void => {
    if (y >= height) throw new Error('it has more pixels than its size')
    // some writers pad a row beyond its end
    if (x < width) paint(index, (topDown ? y : height - 1 - y) * width + x)
    x++
  }
  const indexOf = (byte: number, i: number) =>
    bits === 8 ? byte : i % 2 === 0 ? byte >> 4 : byte & 15
  for (;;) {
    const [count, value] = [next(), next()]
    if (count > 0) for (let i = 0; i < count; i++) put(indexOf(value, i))
    else if (value === 0) [x, y] = [0, y + 1]
    else if (value === 1) return
    else if (value === 2) [x, y] = [x + next(), y + next()]
    else {
      const length = bits === 8 ? value : Math.ceil(value / 2)
      const begin = at
      at += length + (length % 2)
      if (at > bytes.length) throw new Error('its pixels end early')
      for (let i = 0; i < value; i++) put(indexOf(bytes[begin + (bits === 8 ? i : i >> 1)]!, i))
    }
  }
}

/** A TIFF of 8 bits, not compressed, with any number of channels. */
export function tiffOf(
  width: number,
  height: number,
  channels: number,
  photometric = 1,
): Uint8Array {
  const [short, long] = [3, 4]
  const entries = [
    [256, long, width],
    [257, long, height],
    [258, short, 8],
    [259, short, 1],
    [262, short, photometric],
    [273, long, 200],
    [277, short, channels],
    [278, long, height],
    [279, long, width * height * channels],
  ] as const
  const bytes = Buffer.alloc(200 + width * height * channels, 9)
  bytes.fill(0, 0, 200)
  bytes.write('II*\0', 'latin1')
  bytes.writeUInt32LE(8, 4)
  bytes.writeUInt16LE(entries.length, 8)
  entries.forEach(([tag, type, value], i) => {
    bytes.writeUInt16LE(tag, 10 + 12 * i)
    bytes.writeUInt16LE(type, 12 + 12 * i)
    bytes.writeUInt32LE(1, 14 + 12 * i)
    bytes.writeUInt32LE(value, 18 + 12 * i)
  })
  return bytes
}

/** Channels of the positional encoding: the paper's fixed C = 128 (section 4.2). */
export const conditionSize = 128

/**
 * One axis of the 2D positional encoding: channel 2i is sin(p·ωᵢ), channel 2i+1 is cos(p·ωᵢ),
 * ωᵢ = exp(−2i·ln(10⁴)/channels), for integer positions p = 0 … n−1, whatever the resolution.
 * @returns [n, channels] row-major
 */
export function axisEncoding(n: number, channels: number): Float64Array {
  const table = new Float64Array(n * channels)
  for (let i = 0; 2 * i < channels; i++) {
    const omega = Math.exp((-2 * i * Math.log(1e4)) / channels)
    for (let p = 0; p < n; p++) {
      table[p * channels + 2 * i] = Math.sin(p * omega)
      table[p * channels + 2 * i + 1] = Math.cos(p * omega)
    }
  }
  return table
}

/**
 * The paper's 2D positional encoding (section 4.2): the first half of the channels encodes the column (width first),
 * the second half the row.
 * @param channels C, a multiple of 4
 * @returns [height·width, channels]: row h·width + w is the condition of that position
 */
export function positionalEncoding(
  height: number,
  width: number,
  channels = conditionSize,
): Float64Array {
  if (channels % 4 !== 0) throw new RangeError(`channels must be a multiple of 4, got ${channels}`)
  const half = channels / 2
  const columns = axisEncoding(width, half)
  const rows = axisEncoding(height, half)
  const table = new Float64Array(height * width * channels)
  for (let h = 0; h < height; h++)
    for (let w = 0; w < width; w++) {
      const at = (h * width + w) * channels
      table.set(columns.subarray(w * half, (w + 1) * half), at)
      table.set(rows.subarray(h * half, (h + 1) * half), at + half)
    }
  return table
}

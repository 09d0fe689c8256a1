const droppedBits = 8

const word = new Uint32Array(1)
const single = new Float32Array(word.buffer)

/** Bin of a float32 given by its bits; bins have the order of the numbers, and −0 falls where 0 does. */
export function keyOf(bits: number): number {
  const b = bits === 0x80000000 ? 0 : bits | 0
  return (b ^ ((b >> 31) | 0x80000000)) >>> droppedBits
}

/** Lowest number of a bin. */
export function edgeOf(key: number): number {
  const k = (key << droppedBits) | 0
  word[0] = k ^ (~(k >> 31) | 0x80000000)
  // the bin of −∞ begins below it, where the bits stand for no number
  return Number.isNaN(single[0]) ? -Infinity : single[0]!
}

/** A number rounded to float32, then down to the lowest number of its bin. */
export function binEdge(score: number): number {
  single[0] = score
  return edgeOf(keyOf(word[0]!))
}

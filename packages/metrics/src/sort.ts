import type { FloatArray } from './scores.js'

/** Width of a radix digit: three cover 32 bits, and 2,048 open cache lines still fit a level-2 cache. */
const digitBits = 11
const buckets = 1 << digitBits
const digitMask = buckets - 1
const shifts = [0, digitBits, 2 * digitBits] as const

/**
 * Sorts ascending and returns the sorted array; the argument's contents are lost.
 *
 * float32: least-significant-digit radix sort of the bits, O(n), with one scratch array of the same
 * size. float64: the engine's own typed-array sort. −0 comes before +0. NaN must not occur.
 */
export function sortScores(scores: FloatArray): FloatArray {
  if (scores instanceof Float64Array) return scores.sort()
  const a = new Uint32Array(scores.buffer, scores.byteOffset, scores.length)
  const b = new Uint32Array(scores.length)
  toOrderedKeys(a)
  const starts = shifts.map((shift) => digitStarts(a, shift))
  scatter(a, b, shifts[0], starts[0]!)
  scatter(b, a, shifts[1], starts[1]!)
  scatter(a, b, shifts[2], starts[2]!)
  fromOrderedKeys(b)
  return new Float32Array(b.buffer)
}

/**
 * The indices that sort the scores ascending, `order[rank] = index`; stable, O(n).
 * NaN must not occur; the scores are left as they are.
 */
export function argsort(scores: FloatArray): Uint32Array {
  let order = new Uint32Array(scores.length)
  let next = new Uint32Array(scores.length)
  for (let i = 0; i < order.length; i++) order[i] = i
  for (const keys of orderedWords(scores))
    for (const shift of shifts) {
      const start = digitStarts(keys, shift)
      for (let i = 0; i < order.length; i++) {
        const index = order[i]!
        const digit = (keys[index]! >>> shift) & digitMask
        next[start[digit]!++] = index
      }
      const swap = order
      order = next
      next = swap
    }
  return order
}

/** Where each digit's run begins in the order of that digit. */
function digitStarts(keys: Uint32Array, shift: number): Uint32Array {
  const starts = new Uint32Array(buckets)
  for (let i = 0; i < keys.length; i++) starts[(keys[i]! >>> shift) & digitMask]!++
  let sum = 0
  for (let digit = 0; digit < buckets; digit++) {
    const count = starts[digit]!
    starts[digit] = sum
    sum += count
  }
  return starts
}

function scatter(from: Uint32Array, to: Uint32Array, shift: number, starts: Uint32Array): void {
  for (let i = 0; i < from.length; i++) {
    const key = from[i]!
    to[starts[(key >>> shift) & digitMask]!++] = key
  }
}

/**
 * float32 bits to integers of the same order: the sign bit of positive numbers is flipped, and
 * every bit of negative ones.
 */
function toOrderedKeys(bits: Uint32Array): void {
  for (let i = 0; i < bits.length; i++) {
    const b = bits[i]! | 0
    bits[i] = b ^ ((b >> 31) | 0x80000000)
  }
}

function fromOrderedKeys(keys: Uint32Array): void {
  for (let i = 0; i < keys.length; i++) {
    const k = keys[i]! | 0
    keys[i] = k ^ (~(k >> 31) | 0x80000000)
  }
}

/** Integers of the scores' order as 32-bit words, least significant first. */
function orderedWords(scores: FloatArray): readonly Uint32Array[] {
  if (scores instanceof Float32Array) {
    const keys = new Uint32Array(scores.slice().buffer)
    toOrderedKeys(keys)
    return [keys]
  }
  const low = new Uint32Array(scores.length)
  const high = new Uint32Array(scores.length)
  const view = new DataView(scores.buffer, scores.byteOffset, scores.byteLength)
  const littleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
  for (let i = 0; i < scores.length; i++) {
    const h = view.getInt32(8 * i + (littleEndian ? 4 : 0), littleEndian)
    const l = view.getInt32(8 * i + (littleEndian ? 0 : 4), littleEndian)
    high[i] = h ^ ((h >> 31) | 0x80000000)
    low[i] = l ^ (h >> 31)
  }
  return [low, high]
}

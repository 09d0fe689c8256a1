import type { Mask } from '@cflow/base'

/** A difference of more grey levels than this, out of 255, is visible. */
const visible = 3

/** Enclosed holes up to this share of the picture are filled. */
const smallHole = 0.001

/**
 * Where two pictures of one exemplar differ visibly in any channel: the ground truth of a defect. Gaps of up to twice
 * `reach` pixels are closed and small enclosed holes filled, since a person would mark one region.
 * @param good grey levels of the exemplar without its defect, `size`×`size`×3
 * @param bad the same with it
 */
export function changedMask(
  good: Float32Array,
  bad: Float32Array,
  size: number,
  reach: number,
): Mask {
  // A margin all round, so that closing is not held up by the picture's border.
  const wide = size + 2 * reach
  const changed = new Uint8Array(wide * wide)
  for (let i = 0; i < good.length; i++) {
    if (Math.abs(good[i]! - bad[i]!) <= visible) continue
    const pixel = Math.floor(i / 3)
    changed[(Math.floor(pixel / size) + reach) * wide + (pixel % size) + reach] = 1
  }
  const closed = invert(spread(invert(spread(changed, wide, reach)), wide, reach))
  fillSmallHoles(closed, wide, smallHole * size * size)
  const data = new Uint8Array(size * size)
  for (let y = 0; y < size; y++) {
    const from = (y + reach) * wide + reach
    data.set(closed.subarray(from, from + size), y * size)
  }
  return { width: size, height: size, data }
}

/** Every pixel within `reach` pixels, Euclidean, of a set one. */
export function spread(mask: Uint8Array, size: number, reach: number): Uint8Array {
  const out = new Uint8Array(mask.length)
  const halves = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.floor(Math.sqrt(reach * reach - (i - reach) ** 2)),
  )
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++) {
      if (mask[y * size + x] === 0) continue
      const last = Math.min(y + reach, size - 1)
      for (let row = Math.max(y - reach, 0); row <= last; row++) {
        const half = halves[row - y + reach]!
        const start = row * size
        out.fill(1, start + Math.max(x - half, 0), start + Math.min(x + half, size - 1) + 1)
      }
    }
  return out
}

function invert(mask: Uint8Array): Uint8Array {
  return mask.map((v) => 1 - v)
}

/** Set the connected groups of unset pixels that have at most `limit` of them. */
function fillSmallHoles(mask: Uint8Array, size: number, limit: number): void {
  const seen = mask.slice()
  for (let start = 0; start < mask.length; start++) {
    if (seen[start] === 1) continue
    const group = [start]
    seen[start] = 1
    for (let k = 0; k < group.length; k++) {
      const i = group[k]!
      const [left, right] = [i % size > 0 ? i - 1 : i, i % size < size - 1 ? i + 1 : i]
      for (const beside of [left, right, i - size, i + size])
        if (seen[beside] === 0) {
          seen[beside] = 1
          group.push(beside)
        }
    }
    if (group.length <= limit) for (const i of group) mask[i] = 1
  }
}

import type { MaskedMap } from './arbitraries.js'

/** The distinct scores, highest first. */
export function thresholdsOf(scores: Iterable<number>): readonly number[] {
  return [...new Set([...scores].map((s) => s + 0))].sort((a, b) => (a < b ? 1 : -1))
}

export function counts(
  scores: ArrayLike<number>,
  labels: ArrayLike<boolean>,
  threshold: number,
): { readonly tp: number; readonly fp: number } {
  const hits = Array.from(scores, (s, i) => s >= threshold && labels[i]!)
  const all = Array.from(scores, (s) => s >= threshold)
  const tp = hits.filter(Boolean).length
  return { tp, fp: all.filter(Boolean).length - tp }
}

/** Regions as lists of pixel indices: neighbours merged until nothing changes. */
export function regionsOf(
  { mask, width }: Pick<MaskedMap, 'mask' | 'width'>,
  connectivity: 4 | 8,
): readonly (readonly number[])[] {
  let groups = [...mask.keys()].filter((i) => mask[i]).map((i) => [i])
  const near = (a: number, b: number): boolean => {
    const dx = Math.abs((a % width) - (b % width))
    const dy = Math.abs(Math.floor(a / width) - Math.floor(b / width))
    return connectivity === 8 ? Math.max(dx, dy) <= 1 : dx + dy <= 1
  }
  for (let merged = true; merged;) {
    merged = false
    outer: for (const a of groups)
      for (const b of groups)
        if (a !== b && a.some((i) => b.some((j) => near(i, j)))) {
          groups = [...groups.filter((g) => g !== a && g !== b), [...a, ...b]]
          merged = true
          break outer
        }
  }
  return groups
}

/** AUPRO straight from its definition: every threshold, every region, every pixel. */
export function auproByDefinition(images: readonly MaskedMap[], limit: number): number {
  const regions = images.flatMap((image) =>
    regionsOf(image, 8).map((pixels) => pixels.map((i) => image.map[i]!)),
  )
  const normal = images.flatMap((image) => [...image.map].filter((_, i) => !image.mask[i]))
  const share = (scores: readonly number[], threshold: number): number =>
    scores.filter((s) => s >= threshold).length / scores.length
  const points = thresholdsOf(images.flatMap((image) => [...image.map])).map((t) => ({
    x: share(normal, t),
    y: regions.reduce((sum, r) => sum + share(r, t), 0) / regions.length,
  }))
  return areaTo([{ x: 0, y: 0 }, ...points], limit) / limit
}

interface Point {
  readonly x: number
  readonly y: number
}

function areaTo(points: readonly Point[], limit: number): number {
  let area = 0
  for (let i = 1; i < points.length; i++) {
    const a = points[i - 1]!
    const b = points[i]!
    if (a.x >= limit || a.x === b.x) continue
    const x = Math.min(b.x, limit)
    const y = a.y + ((b.y - a.y) * (x - a.x)) / (b.x - a.x)
    area += ((x - a.x) * (a.y + y)) / 2
  }
  return area
}

import type { Region } from '@cflow/detector'

const within = (v: number, low: number, high: number): number => Math.min(Math.max(v, low), high)

/** The part of the picture between two of its points, each in parts of its width and height. */
export function dragged(
  [x0, y0]: readonly [number, number],
  [x1, y1]: readonly [number, number],
): Region {
  const [left, right] = [x0, x1].map((x) => within(x, 0, 1)).sort((a, b) => a - b)
  const [top, bottom] = [y0, y1].map((y) => within(y, 0, 1)).sort((a, b) => a - b)
  return { x: left!, y: top!, width: right! - left!, height: bottom! - top! }
}

/** A region after an arrow key, or with Shift its right and lower edges; undefined for other keys. It stays in the picture. */
export function moved(region: Region, key: string, isShifted: boolean): Region | undefined {
  const step = 0.02
  const [dx, dy] = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[key] ?? [] // prettier-ignore
  if (dx === undefined || dy === undefined) return undefined
  const { x, y, width, height } = region
  if (isShifted)
    return {
      ...region,
      width: within(width + dx, Math.min(step, 1 - x), 1 - x),
      height: within(height + dy, Math.min(step, 1 - y), 1 - y),
    }
  return { ...region, x: within(x + dx, 0, 1 - width), y: within(y + dy, 0, 1 - height) }
}

/** Whether a point lies in a region. */
export const isIn = (r: Region, x: number, y: number): boolean =>
  x >= r.x && x < r.x + r.width && y >= r.y && y < r.y + r.height

/** The share of the picture in any region, by counting the points of a grid. */
export function coveredBy(regions: readonly Region[]): number {
  const n = 100
  let inside = 0
  for (let i = 0; i < n * n; i++) {
    const [x, y] = [((i % n) + 0.5) / n, (Math.floor(i / n) + 0.5) / n]
    if (regions.some((r) => isIn(r, x, y))) inside++
  }
  return inside / (n * n)
}

import type { Preview } from '@cflow/trainer'

/** From this part of the colours on something stands out. */
const warm = 0.5

/** How much of a map stands out, by the colours of all passes. */
export function standingOut(map: Float32Array, [low, high]: Preview['range']): string {
  const from = low + warm * (high - low)
  const share = (100 * map.reduce((n, v) => n + (v > from ? 1 : 0), 0)) / map.length
  if (share === 0) return 'nothing stands out'
  return `${share < 0.1 ? 'under 0.1' : share.toFixed(share < 10 ? 1 : 0)} % stands out`
}

/** Which images are seen, and when. */
export function passText({
  pass,
  passes,
  source,
  images,
}: Pick<Preview, 'pass' | 'passes' | 'source' | 'images'>): string {
  const one = images.length === 1
  const when = pass === 0 ? 'Before the first pass' : `After pass ${pass} of ${passes}`
  const which = one ? 'a good image' : `${images.length} good images`
  return source === 'held-out'
    ? `${when}: ${which} that it does not learn from.`
    : `${when}: ${which} that it learns from, as there are too few to keep some out.`
}

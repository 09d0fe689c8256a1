import { calibratedThreshold, type Manifest } from '@cflow/core'

type Calibration = Manifest['calibration']

/** Scores of the same image that differ by less than this share of all scores' spread count as the same. */
const tolerance = 1e-3

/**
 * The calibration of a quantised detector, whose scores are a little different ones.
 *
 * When the images that the float detector was calibrated on are among those given (each stored score is the float score
 * of one of them), their new scores take the place of the stored ones, and thresholds mean what they meant. Otherwise
 * the stored scores are mapped by the straight line that fits new scores to old ones best, and no rate is guaranteed.
 * @param before scores of the given images by the float detector
 * @param after scores of the same images by the quantised one
 * @param bound what no score exceeds (`largestScore`)
 */
export function recalibrated(
  calibration: Calibration,
  before: readonly number[],
  after: readonly number[],
  bound = Infinity,
): Calibration {
  const same = matched(calibration.scores, before)
  const map = line(before, after)
  const scores = same ? same.map((i) => after[i] as number) : calibration.scores.map(map)
  scores.sort((a, b) => a - b)
  const { falsePositiveRate, setBy, knownDefects } = calibration
  const { threshold: conformal } = calibratedThreshold({ ...calibration, scores }, falsePositiveRate, bound) // prettier-ignore
  const wasMoved = knownDefects !== undefined && calibration.threshold > knownDefects.conformal
  const moved = wasMoved ? Math.max(map(calibration.threshold), conformal) : conformal
  return {
    ...calibration,
    scores,
    threshold: moved < bound ? moved : conformal,
    guaranteed: calibration.guaranteed && same !== undefined,
    ...(setBy && { setBy: { ...setBy, score: map(setBy.score) } }),
    ...(knownDefects && { knownDefects: { scores: knownDefects.scores.map(map), conformal } }),
  }
}

/** For each stored score the image that has it, none twice; undefined when one has none. */
function matched(
  stored: readonly number[],
  before: readonly number[],
): readonly number[] | undefined {
  const near = tolerance * (Math.max(...before) - Math.min(...before))
  let rest = before.map((_, i) => i).sort((a, b) => before[a]! - before[b]!)
  const used: number[] = []
  for (const score of [...stored].sort((a, b) => a - b)) {
    const at = rest.findIndex((i) => before[i]! >= score - near)
    const image = rest[at]
    rest = rest.slice(at + 1)
    if (image === undefined || before[image]! > score + near) return undefined
    used.push(image)
  }
  return used
}

/** Least squares, never falling. */
function line(x: readonly number[], y: readonly number[]): (v: number) => number {
  const mean = (values: readonly number[]) => values.reduce((s, v) => s + v, 0) / values.length
  const [mx, my] = [mean(x), mean(y)]
  let [xx, xy] = [0, 0]
  x.forEach((v, i) => {
    xx += (v - mx) ** 2
    xy += (v - mx) * (y[i]! - my)
  })
  const slope = xx > 0 ? Math.max(xy / xx, 0) : 1
  return (v) => my + slope * (v - mx)
}

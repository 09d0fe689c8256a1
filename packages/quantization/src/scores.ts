import { detectorNames } from '@cflow/core'
import type { Runtime } from '@cflow/runtimes'
import { feedOf } from './calibrate.js'
import type { Images } from './calibrate.js'

/** What a detector says of images. */
export interface Outcome {
  readonly scores: readonly number[]
  readonly maps: readonly Float32Array[]
}

/** Run a detector file over images. @param keepMaps for comparing them; memory grows with the images */
export async function outcomeOf(
  runtime: Runtime,
  model: Uint8Array,
  images: Images,
  keepMaps = false,
): Promise<Outcome> {
  const session = await runtime.createSession(model)
  const scores: number[] = []
  const maps: Float32Array[] = []
  try {
    for await (const image of images()) {
      const wanted = [detectorNames.score, ...(keepMaps ? [detectorNames.anomalyMap] : [])]
      const got = await session.run(feedOf(image), wanted)
      scores.push(got[detectorNames.score]?.data[0] as number)
      if (keepMaps) maps.push(got[detectorNames.anomalyMap]?.data as Float32Array)
    }
  } finally {
    await session.release()
  }
  return { scores, maps }
}

/** How far anomaly maps are from those of the float detector: error over spread, both as root mean squares. */
export function deviation(float: Outcome, candidate: Outcome): number {
  let [sum, squares, error, n] = [0, 0, 0, 0]
  float.maps.forEach((map, i) => {
    const other = candidate.maps[i] as Float32Array
    map.forEach((v, p) => {
      sum += v
      squares += v * v
      error += (v - (other[p] as number)) ** 2
    })
    n += map.length
  })
  const variance = squares / n - (sum / n) ** 2
  return Math.sqrt(error / n / Math.max(variance, 1e-30))
}

import type { Tensor } from '@cflow/base'
import { detectorNames } from '@cflow/core'
import type { Runtime, Session } from '@cflow/runtimes'
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
  try {
    return await outcomeIn(session, images, keepMaps)
  } finally {
    await session.release()
  }
}

/** The same in a session that is there already. @param feeds what the graph reads besides the image */
export async function outcomeIn(
  session: Session,
  images: Images,
  keepMaps: boolean,
  feeds: Readonly<Record<string, Tensor>> = {},
): Promise<Outcome> {
  const scores: number[] = []
  const maps: Float32Array[] = []
  const wanted = [detectorNames.score, ...(keepMaps ? [detectorNames.anomalyMap] : [])]
  for await (const image of images()) {
    const got = await session.run({ ...feedOf(image), ...feeds }, wanted)
    scores.push(got[detectorNames.score]?.data[0] as number)
    if (keepMaps) maps.push(got[detectorNames.anomalyMap]?.data as Float32Array)
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

import { tensor } from '@cflow/base'
import type { RgbImage, Tensor } from '@cflow/base'
import { detectorNames } from '@cflow/core'
import type { Runtime } from '@cflow/runtimes'

/** What a detector says of one image. */
export interface Scored {
  readonly score: number
  /** Anomaly map [S, S]. */
  readonly map: Float32Array
}

/** A detector made ready to run: a file in a runtime, or one that lives in this process only (SPADE). */
export interface Scorer {
  /** @param image of any size */
  score(image: RgbImage): Promise<Scored>
  release(): Promise<void>
}

/** A detector file in a runtime. */
export async function fileScorer(runtime: Runtime, model: Uint8Array): Promise<Scorer> {
  const session = await runtime.createSession(model)
  const wanted = [detectorNames.anomalyMap, detectorNames.score]
  return {
    async score({ width, height, data }) {
      const image = tensor('uint8', [1, height, width, 3], data)
      const got = await session.run({ [detectorNames.image]: image }, wanted)
      return {
        score: got[detectorNames.score]?.data[0] as number,
        map: (got[detectorNames.anomalyMap] as Tensor<'float32'>).data,
      }
    },
    release: () => session.release(),
  }
}

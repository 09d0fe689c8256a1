import { tensor } from '@cflow/base'
import { writeOnnx } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import type { Images } from './calibrate.js'
import type { Layer } from './layers.js'
import type { QuantiseOptions } from './qdq.js'
import { deviation, outcomeIn } from './scores.js'
import type { Structure } from './structure.js'
import { switched, switches } from './switched.js'

/** The error that one layer brings in. */
export interface LayerError {
  readonly layer: string
  /** Deviation of the anomaly maps when this layer alone is quantised (see `deviation`). */
  readonly deviation: number
}

/** Layers next to one another, and their error together. */
interface Group {
  readonly layers: readonly number[]
  readonly deviation: number
}

/**
 * Layers by the error that each brings in alone, worst first, found as they are asked for: the group of layers with the
 * largest error is halved until it is one layer. Errors of layers add up (their squares do, nearly), so that no layer of
 * a group is much worse than the group. All in one session.
 * @yields every layer once
 */
export async function* worstFirst(
  runtime: Runtime,
  structure: Structure,
  layers: readonly Layer[],
  options: Omit<QuantiseOptions, 'keep'>,
  images: Images,
): AsyncGenerator<LayerError, undefined> {
  const graph = switched(structure, layers, options)
  const session = await runtime.createSession(writeOnnx(graph))
  try {
    const outcome = (on: readonly number[]) => {
      const flags = new Float32Array(layers.length)
      for (const i of on) flags[i] = 1
      return outcomeIn(session, images, true, {
        [switches]: tensor('float32', [layers.length], flags),
      })
    }
    const float = await outcome([])
    const groups: Group[] = [{ layers: layers.map((_, i) => i), deviation: Infinity }]
    while (groups.length > 0) {
      groups.sort((a, b) => a.deviation - b.deviation)
      const { layers: members, deviation: error } = groups.pop() as Group
      if (members.length === 1 && Number.isFinite(error)) {
        yield { layer: (layers[members[0] as number] as Layer).name, deviation: error }
        continue
      }
      const middle = Math.ceil(members.length / 2)
      for (const half of [members.slice(0, middle), members.slice(middle)])
        if (half.length > 0)
          groups.push({ layers: half, deviation: deviation(float, await outcome(half)) })
    }
  } finally {
    await session.release()
  }
  return undefined
}

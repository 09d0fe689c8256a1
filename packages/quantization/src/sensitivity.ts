import { imageTensor, tensor } from '@cflow/base'
import { detectorNames } from '@cflow/core'
import { input, less, scalar, split, where, writeOnnx, type Value } from '@cflow/graph'
import type { Runtime } from '@cflow/runtimes'
import { deviation, type Images } from './images.js'
import type { Layer } from './layers.js'
import { quantiser, type QuantiseOptions } from './qdq.js'
import { rebuilt, type Replaced } from './rewrite.js'
import type { Structure } from './structure.js'

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
  const session = await runtime.createSession(writeOnnx(switched(structure, layers, options)))
  try {
    const mapsWith = async (on: readonly number[]) => {
      const flags = Float32Array.from(layers, (_, i) => Number(on.includes(i)))
      const maps: Float32Array[] = []
      for await (const image of images()) {
        const feeds = {
          [detectorNames.image]: imageTensor(image),
          [switches]: tensor('float32', [layers.length], flags),
        }
        const got = await session.run(feeds, [detectorNames.anomalyMap])
        maps.push(got[detectorNames.anomalyMap]?.data as Float32Array)
      }
      return maps
    }
    const float = await mapsWith([])
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
          groups.push({ layers: half, deviation: deviation(float, await mapsWith(half)) })
    }
  } finally {
    await session.release()
  }
  return undefined
}

/** Input of a switched graph, float32 [layers]: 1 quantises a layer, 0 leaves it in float. */
const switches = 'quantised'

/**
 * The float graph with every one of the layers in it twice, in float and quantised alone, and a switch that chooses: one
 * session measures any set of layers. Between two quantised layers are floats, so that each brings in its own error only.
 */
function switched(
  structure: Structure,
  layers: readonly Layer[],
  options: Omit<QuantiseOptions, 'keep'>,
): Record<string, Value> {
  const names = structure.layers.map((l) => l.name)
  const flags = split(
    less(scalar(0.5), input(switches, 'float32', [layers.length])),
    layers.map(() => 1),
    0,
  )
  const by: Replaced = new Map()
  // in running order, so that everything before a layer is there when the layer is
  layers.forEach((layer, i) => {
    // before its activation, which is where a quantised layer behind it reads
    const exact = layer.node.outputs[0] as Value
    const keep = new Set(names.filter((name) => name !== layer.name))
    const alone = quantiser(structure, { ...options, keep })(structure.activated(exact))
    const both = rebuilt({ exact, alone }, by)
    by.set(layer.node, [where(flags[i] as Value, both['alone'] as Value, both['exact'] as Value)])
  })
  return rebuilt(structure.outputs, by)
}

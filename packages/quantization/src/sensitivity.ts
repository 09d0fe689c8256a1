import type { Runtime } from '@cflow/runtimes'
import type { Images } from './calibrate.js'
import { deviation, outcomeOf } from './scores.js'
import type { Outcome } from './scores.js'

/** The error that one layer brings in. */
export interface LayerError {
  readonly layer: string
  /** Deviation of the anomaly maps when this layer alone is quantised (see `deviation`). */
  readonly deviation: number
}

/**
 * Layers by the error that each of them introduces alone, worst first.
 * @param alone the detector file with only that layer quantised
 */
export async function rankLayers(
  runtime: Runtime,
  layers: readonly string[],
  alone: (layer: string) => Uint8Array,
  float: Outcome,
  images: Images,
  onLayer: (done: number, total: number) => void = () => undefined,
): Promise<readonly LayerError[]> {
  const errors: LayerError[] = []
  for (const layer of layers) {
    const candidate = await outcomeOf(runtime, alone(layer), images, true)
    errors.push({ layer, deviation: deviation(float, candidate) })
    onLayer(errors.length, layers.length)
  }
  return errors.sort((a, b) => b.deviation - a.deviation)
}

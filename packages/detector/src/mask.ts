import type { Mask } from '@cflow/base'
import type { Detection } from './detection.js'

/**
 * The anomalous pixels of a detection: those of the anomaly map above its threshold, S×S like the map. As the score is
 * the map's maximum, the mask holds a pixel exactly when the image is anomalous.
 */
export function maskOf({ anomalyMap, threshold }: Detection): Mask {
  const { width, height, data } = anomalyMap
  return { width, height, data: Uint8Array.from(data, (v) => (v > threshold ? 1 : 0)) }
}

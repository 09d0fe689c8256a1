import type { Engine } from './engines.js'

/** Largest relative difference of a score that counts as the same. */
export const tolerance = 1e-3

export interface Comparison {
  readonly agrees: boolean
  readonly difference: number
}

/**
 * Whether an engine computes the score of an image that WASM computes: onnxruntime-web's WebGPU is wrong for some
 * convolutions, and drivers differ.
 */
export async function compare(engine: Engine, reference: Engine, image: Blob): Promise<Comparison> {
  const { score } = await engine.detect(image)
  const known = await reference.detect(image)
  const difference = Math.abs(score - known.score) / Math.max(Math.abs(known.score), 1e-12)
  return { agrees: difference <= tolerance, difference }
}

/** Whether an engine runs faster than another, both warm. */
export async function isFaster(engine: Engine, reference: Engine, image: Blob): Promise<boolean> {
  const { milliseconds } = await engine.detect(image)
  return milliseconds < (await reference.detect(image)).milliseconds
}

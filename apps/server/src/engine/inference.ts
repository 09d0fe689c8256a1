import type { RgbImage } from '@cflow/base'
import { pValue } from '@cflow/core'
import { encodeMaskPng, encodePng } from '@cflow/datasets/node'
import {
  maskAbove,
  promiseOf,
  thresholdFor,
  verdict,
  type AnomalyMap,
  type Detector,
} from '@cflow/detector'
import { heatmapOverlay, heatRange, resampleMap } from '@cflow/report'
import type { Prediction, PredictOptions } from './engine.js'
import { plainError } from './plain-error.js'
import type { Decoded, ItemResult, WorkerSettings } from './protocol.js'
import { regionsOf } from './regions.js'

/** Judges images of any sizes; one that fails does not fail the others. */
export async function predictBatch(
  detector: Detector,
  options: readonly PredictOptions[],
  decodedItems: readonly Decoded[],
  { device, maxBatch }: WorkerSettings,
): Promise<ItemResult[]> {
  const results: ItemResult[] = []
  const bySize = new Map<string, number[]>()
  for (const [i, decoded] of decodedItems.entries()) {
    if ('error' in decoded) {
      results[i] = { error: decoded.error }
      continue
    }
    const size = `${decoded.image.width}×${decoded.image.height}`
    bySize.set(size, [...(bySize.get(size) ?? []), i])
  }
  for (const indices of bySize.values()) {
    const images = indices.map((i) => (decodedItems[i] as { readonly image: RgbImage }).image)
    // changing batch sizes make CUDA hold memory for each: a few sizes only
    const padded = device === 'cpu' ? images : pad(images)
    const wantsMap = indices.some((i) => needsMap(options[i]!))
    try {
      const detections = await detector.detectBatch(padded, {
        batchSize: Math.max(maxBatch, padded.length),
        threshold: 0, // each has its own below
        parts: { contributions: false, map: wantsMap, likelihoods: true },
      })
      for (const [k, i] of indices.entries())
        results[i] = await finish(detector, options[i]!, images[k]!, detections[k]!)
    } catch (error) {
      for (const i of indices) results[i] ??= { error: plainError(error) }
    }
  }
  return results
}

const needsMap = ({ wanted = {} }: PredictOptions): boolean =>
  [wanted.map, wanted.heatMap, wanted.mask, wanted.regions].includes(true)

function pad<T>(images: readonly T[]): readonly T[] {
  const size = 2 ** Math.ceil(Math.log2(images.length))
  return [...images, ...Array.from({ length: size - images.length }, () => images[0]!)]
}

async function finish(
  detector: Detector,
  { falsePositiveRate, threshold: own, wanted = {} }: PredictOptions,
  image: RgbImage,
  detection: {
    readonly score: number
    readonly milliseconds: number
    readonly likelihoods: readonly number[]
    readonly anomalyMap?: AnomalyMap
  },
): Promise<ItemResult> {
  try {
    const { manifest } = detector
    const threshold =
      own === undefined
        ? thresholdFor(manifest, falsePositiveRate)
        : {
            threshold: own,
            guaranteed: false,
            falsePositiveRate: pValue(manifest.calibration.scores, own),
          }
    const { width, height } = image
    const { anomalyMap: map, score, milliseconds, likelihoods } = detection
    const judged = verdict(manifest, score, threshold)
    const prediction: Prediction = {
      ...judged,
      ...(own === undefined && { promise: promiseOf(manifest, falsePositiveRate) }),
      ...{ width, height, milliseconds, likelihoods },
      ...(map && {
        ...(wanted.regions && { regions: regionsOf(map, threshold.threshold, width, height) }),
        ...(wanted.map && { map }),
        ...(wanted.heatMap && { heatMap: await heatMapOf(image, map, threshold.threshold) }),
        ...(wanted.mask && { mask: await maskOf(image, map, judged) }),
      }),
    }
    return { prediction }
  } catch (error) {
    return { error: plainError(error) }
  }
}

const heatMapOf = (image: RgbImage, map: AnomalyMap, threshold: number): Promise<Uint8Array> =>
  encodePng(heatmapOverlay(image, map, heatRange([map], threshold), threshold))

async function maskOf(
  { width, height }: RgbImage,
  map: AnomalyMap,
  { threshold, anomalous }: { readonly threshold: number; readonly anomalous: boolean },
): Promise<Uint8Array> {
  const mask = maskAbove(resampleMap(map, width, height), threshold)
  if (anomalous && !mask.data.includes(1)) {
    // a map that is made smaller may lose its peak
    const peak = map.data.indexOf(map.data.reduce((a, b) => Math.max(a, b)))
    const x = Math.floor((((peak % map.width) + 0.5) * width) / map.width)
    const y = Math.floor(((Math.floor(peak / map.width) + 0.5) * height) / map.height)
    mask.data[y * width + x] = 1
  }
  return encodeMaskPng(mask)
}

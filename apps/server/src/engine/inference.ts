import { CflowError, type RgbImage } from '@cflow/base'
import { pValue } from '@cflow/core'
import { decodeImage, encodeMaskPng, encodePng, imageSize } from '@cflow/datasets/node'
import {
  maskAbove,
  promiseOf,
  thresholdFor,
  verdict,
  type AnomalyMap,
  type Detector,
} from '@cflow/detector'
import { heatmapOverlay, heatRange, resampleMap } from '@cflow/report'
import type { EngineImage, Prediction, PredictOptions } from './engine.js'
import { plainError } from './plain-error.js'
import type { BatchItem, ItemResult, WorkerSettings } from './protocol.js'
import { regionsOf } from './regions.js'

/** Decoded pixels that are held at a time. */
const maxHeldPixels = 64_000_000

/** An item's pixels, or why there are none. */
export type Decoded = { readonly image: RgbImage } | { readonly error: unknown }

/**
 * Decodes images in the background; several at a time as far as memory allows. A failure is the item's own.
 * @returns groups, in order, of items that are held together
 */
export function decodeGroups(
  items: readonly BatchItem[],
  maxPixels: number,
): readonly (() => Promise<readonly Decoded[]>)[] {
  // most batches fit; only large images are decoded when their turn comes
  const small = items.every(({ image }) => bytesOf(image) < 2_000_000)
  if (!small) return items.map((item) => () => Promise.all([decoded(item, maxPixels)]))
  const all = Promise.all(items.map((item) => decoded(item, Math.min(maxPixels, maxHeldPixels))))
  return [() => all]
}

const bytesOf = (image: EngineImage): number =>
  'encoded' in image ? image.encoded.length : image.data.length

async function decoded({ image }: BatchItem, maxPixels: number): Promise<Decoded> {
  try {
    if (!('encoded' in image)) {
      checkPixels(image.width, image.height, maxPixels)
      return { image }
    }
    const { width, height } = await imageSize(image.encoded)
    checkPixels(width, height, maxPixels)
    return { image: await decodeImage(image.encoded) }
  } catch (error) {
    return { error }
  }
}

function checkPixels(width: number, height: number, maximum: number): void {
  if (width * height <= maximum) return
  throw new CflowError('IMAGE', `the image has ${width}×${height} pixels, more than the ${maximum} allowed`, { subject: 'image', hint: 'Reduce it or cut it into tiles first.' }) // prettier-ignore
}

/** Judges images of any sizes; one that fails does not fail the others. */
export async function predictBatch(
  detector: Detector,
  items: readonly BatchItem[],
  decodedItems: readonly Decoded[],
  { device, maxBatch }: WorkerSettings,
): Promise<ItemResult[]> {
  const results: ItemResult[] = []
  const bySize = new Map<string, number[]>()
  for (const [i, decoded] of decodedItems.entries()) {
    if ('error' in decoded) {
      results[i] = { error: named(decoded.error) }
      continue
    }
    const size = `${decoded.image.width}×${decoded.image.height}`
    bySize.set(size, [...(bySize.get(size) ?? []), i])
  }
  for (const indices of bySize.values()) {
    const images = indices.map((i) => (decodedItems[i] as { readonly image: RgbImage }).image)
    // changing batch sizes make CUDA hold memory for each: a few sizes only
    const padded = device === 'cpu' ? images : pad(images)
    const wantsMap = indices.some((i) => needsMap(items[i]!.options))
    try {
      const detections = await detector.detectBatch(padded, {
        batchSize: Math.max(maxBatch, padded.length),
        threshold: 0, // each has its own below
        parts: { contributions: false, map: wantsMap },
      })
      for (const [k, i] of indices.entries())
        results[i] = await finish(detector, items[i]!.options, images[k]!, detections[k]!)
    } catch (error) {
      for (const i of indices) results[i] ??= { error: plainError(error) }
    }
  }
  return results
}

/** The library calls bytes without a name `(image bytes)`. */
function named(error: unknown) {
  const { message, ...rest } = plainError(error)
  return { ...rest, subject: 'image', message: message.replace('(image bytes)', 'the image') }
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
    const { anomalyMap: map, score, milliseconds } = detection
    const judged = verdict(manifest, score, threshold)
    const prediction: Prediction = {
      ...judged,
      ...(own === undefined && { promise: promiseOf(manifest, falsePositiveRate) }),
      ...{ width, height, milliseconds },
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

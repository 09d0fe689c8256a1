import { CflowError } from '@cflow/base'
import { largestScore, type Manifest } from '@cflow/core'
import type { Runtime } from '@cflow/runtimes'
import { clippedRanges, fullRanges, scaled, type Ranges } from './calibrate.js'
import { readFloatDetector, writeLike } from './file.js'
import { rankingVerdict, type Gate, type Verdict } from './gate.js'
import { storedAsHalf } from './half.js'
import { detections, deviation, once, spread, type Images } from './images.js'
import { isSensitive, isWhitening, selected } from './layers.js'
import { quantiser } from './qdq.js'
import { mapped } from './rewrite.js'
import { worstFirst, type LayerError } from './sensitivity.js'
import { structureOf } from './structure.js'
import { recalibrated } from './thresholds.js'

/** Fewer images than this say nothing about ranges or ranks. */
const minImages = 5

/** Images that ranges are taken from and layers ranked with, spread over all of them. */
const [rangeImages, rankImages] = [32, 4]

/** Layers that an error names. */
const maxBlamed = 5

/**
 * - `minmax`: from the smallest to the largest value seen
 * - `mse`: the share of that range that loses least, in squared error: clips rare extremes, resolves the rest better
 */
type RangeMethod = 'minmax' | 'mse'

interface Int8Options {
  readonly runtime: Runtime
  /** Good images: ranges are taken from them, thresholds mapped with them, and without `gate` their ranks compared. */
  readonly images: Images
  /** Names of layers to keep in float; `*` stands for any text. */
  readonly keepFloat?: readonly string[]
  /** Keep the worst layers in float until the gate is passed (default), instead of refusing at once. */
  readonly fallback?: boolean
  /** How ranges are chosen; `auto` (default) takes the one whose anomaly maps are closer to the float ones. */
  readonly method?: RangeMethod | 'auto'
  /** Factor on the ranges (1); above 1 leaves room for values that the images do not show, at less resolution. */
  readonly margin?: number
  /** See `QuantiseOptions.reduceRange`. */
  readonly reduceRange?: boolean
  /** Measures against labels; by default the order of the images' scores must stay. */
  readonly gate?: Gate
  readonly onProgress?: (stage: Stage, done: number, total: number) => void
}

type Stage = 'calibrate' | 'check' | 'rank layers'

export interface Int8Export {
  readonly model: Uint8Array
  readonly manifest: Manifest
  /** The verdict that the file passed with. */
  readonly verdict: Verdict
  readonly method: RangeMethod
  /** Layers in float, and those of them that the fallback chose, worst first. */
  readonly kept: readonly string[]
  readonly fellBack: readonly LayerError[]
  readonly layers: number
}

/**
 * A detector file with int8 products, once it has passed the gate.
 * @throws CflowError ACCURACY when it does not pass, its subject the layers to blame; TOO_FEW_IMAGES; NOT_FOUND for a
 *   layer to keep that does not exist, listing all; MODEL or USAGE for the file
 */
export async function exportInt8(bytes: Uint8Array, options: Int8Options): Promise<Int8Export> {
  const { runtime, fallback = true, method: asked = 'auto', margin = 1, gate, onProgress } = options
  const { reduceRange = false, keepFloat = [] } = options
  const detector = readFloatDetector(bytes)
  const structure = structureOf(detector.model)
  const { layers, points } = structure
  const names = layers.map((l) => l.name)
  const sensitive = layers.filter((l) => isSensitive(l, layers)).map((l) => l.name)
  const kept = new Set([...selected(keepFloat, names), ...sensitive])

  const build = (ranges: Ranges) => {
    const quantised = quantiser(structure, { ranges, keep: kept, reduceRange })
    const exact = layers.filter((l) => kept.has(l.name) && !isWhitening(l)).map((l) => l.weightName)
    const half = storedAsHalf(mapped(structure.outputs, quantised), new Set(exact))
    return (manifest = detector.manifest) => writeLike(detector, half, manifest)
  }

  onProgress?.('check', 0, 1)
  const images = once(runtime, options.images, detector.manifest)
  const scoresOf = async (model: Uint8Array) => {
    const found = await detections(runtime, model, images, { map: false, contributions: false })
    return found.map((d) => d.score)
  }
  const before = await scoresOf(bytes)
  if (before.length < minImages)
    throw new CflowError('TOO_FEW_IMAGES', `${before.length} images to calibrate on, ${minImages} are the least`, { hint: 'give 20 to 100 good images, such as those the detector was trained on' }) // prettier-ignore
  const some = spread(images, before.length, rangeImages)
  const few = spread(images, before.length, rankImages)
  const mapsOf = async (model: Uint8Array) => {
    const found = await detections(runtime, model, few, { contributions: false })
    return found.map((d) => d.anomalyMap.data)
  }
  const float = await mapsOf(bytes)

  const methods = asked === 'auto' ? (['minmax', 'mse'] as const) : [asked]
  const tried: { method: RangeMethod; ranges: Ranges; deviation: number }[] = []
  let full: Ranges | undefined
  for (const method of methods) {
    onProgress?.('calibrate', tried.length, methods.length)
    full ??= await fullRanges(runtime, points, some)
    const found = method === 'mse' ? await clippedRanges(runtime, full, some) : full
    const ranges = new Map([...found].map(([point, range]) => [point, scaled(range, margin)]))
    const maps = await mapsOf(build(ranges)())
    tried.push({ method, ranges, deviation: deviation(float, maps) })
  }
  const { method, ranges } = tried.reduce((a, b) => (b.deviation < a.deviation ? b : a))

  /** The file with these layers in float, its thresholds its own, and what the gate says. */
  const check = async () => {
    const write = build(ranges)
    const after = await scoresOf(write())
    const { calibration, aggregation, scales } = detector.manifest
    const manifest: Manifest = {
      ...detector.manifest,
      calibration: recalibrated(calibration, before, after, largestScore(aggregation, scales)),
      precision: 'int8',
      keptInFloat: names.filter((n) => kept.has(n)),
    }
    const model = write(manifest)
    const verdict = gate ? await gate(model) : rankingVerdict(before, after)
    return { model, manifest, verdict }
  }

  onProgress?.('check', 0, 1)
  let result = await check()
  const fellBack: LayerError[] = []
  if (!result.verdict.passed) {
    const open = layers.filter((l) => !kept.has(l.name))
    const worst = worstFirst(runtime, structure, open, { ranges, reduceRange }, few)
    const take = async (count: number) => {
      const next: LayerError[] = []
      while (next.length < count) {
        const { value } = await worst.next()
        if (!value) break
        next.push(value)
        onProgress?.('rank layers', fellBack.length + next.length, fellBack.length + count)
      }
      return next
    }
    try {
      while (!result.verdict.passed) {
        // twice as many each time: few checks, and never more than twice the layers that are needed
        const count = Math.max(1, fellBack.length)
        const isLost = !fallback || fellBack.length + count >= open.length
        fellBack.push(...(await take(isLost ? maxBlamed : count)))
        if (isLost) throw refused(result.verdict, fellBack)
        for (const { layer } of fellBack) kept.add(layer)
        onProgress?.('check', fellBack.length, open.length)
        result = await check()
      }
    } finally {
      await worst.return(undefined)
    }
  }
  const { keptInFloat = [] } = result.manifest
  return { ...result, method, kept: keptInFloat, fellBack, layers: layers.length }
}

function refused({ text }: Verdict, worst: readonly LayerError[]): CflowError {
  const blamed = worst.slice(0, maxBlamed).map((e) => `${e.layer} (${e.deviation.toPrecision(2)})`)
  return new CflowError('ACCURACY', `int8 changes too much: ${text}`, {
    subject: blamed.join(', '),
    hint: 'these layers deviate most: keep them in float with --keep-float, or calibrate on more images',
  })
}

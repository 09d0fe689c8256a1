import { CflowError } from '@cflow/base'
import type { Manifest } from '@cflow/core'
import type { Runtime } from '@cflow/runtimes'
import { calibrate } from './calibrate.js'
import type { Images, RangeMethod } from './calibrate.js'
import { readFloatDetector, writeLike } from './file.js'
import { rankingVerdict } from './gate.js'
import type { Gate, Verdict } from './gate.js'
import { storedAsHalf } from './half.js'
import { isSensitive, isWhitening } from './layers.js'
import { selected } from './names.js'
import { quantised } from './qdq.js'
import { scaled } from './ranges.js'
import type { Ranges } from './ranges.js'
import { deviation, outcomeOf } from './scores.js'
import { once } from './resized.js'
import { worstFirst } from './sensitivity.js'
import type { LayerError } from './sensitivity.js'
import { structureOf } from './structure.js'
import { recalibrated } from './thresholds.js'

/** Fewer images than this say nothing about ranges or ranks. */
export const leastImages = 5

/** Layers that an error names. */
const mostBlamed = 5

export interface Int8Options {
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
  /** Images that ranges are taken from (32) and layers ranked with (4), spread over all of them. */
  readonly rangeImages?: number
  readonly rankImages?: number
  /** Measures against labels; by default the order of the images' scores must stay. */
  readonly gate?: Gate
  readonly onProgress?: (stage: Int8Stage, done: number, total: number) => void
}

export type Int8Stage = 'calibrate' | 'check' | 'rank layers'

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
  const { runtime, fallback = true, margin = 1, onProgress } = options
  const detector = readFloatDetector(bytes)
  const structure = structureOf(detector.model)
  const names = structure.layers.map((l) => l.name)
  const kept = new Set(selected(options.keepFloat ?? [], names))
  for (const layer of structure.layers)
    if (isSensitive(layer, structure.layers)) kept.add(layer.name)

  const { reduceRange = false } = options
  const build = (ranges: Ranges) => {
    const outputs = quantised(structure, { ranges, keep: kept, reduceRange })
    const exact = structure.layers.filter((l) => kept.has(l.name) && !isWhitening(l))
    const half = storedAsHalf(outputs, new Set(exact.map((l) => l.weightName)))
    return (manifest = detector.manifest) => writeLike(detector, half, manifest)
  }

  onProgress?.('check', 0, 1)
  const images = once(runtime, options.images, detector.manifest.inputSize)
  const { scores: before } = await outcomeOf(runtime, bytes, images)
  if (before.length < leastImages)
    throw new CflowError('TOO_FEW_IMAGES', `${before.length} images to calibrate on, ${leastImages} are the least`, { hint: 'give 20 to 100 good images, such as those the detector was trained on' }) // prettier-ignore
  const some = (count: number) => spread(images, before.length, count)
  const few = some(options.rankImages ?? 4)
  const float = await outcomeOf(runtime, bytes, few, true)

  const methods: readonly RangeMethod[] =
    options.method === undefined || options.method === 'auto' ? ['minmax', 'mse'] : [options.method]
  const tried: { method: RangeMethod; ranges: Ranges; deviation: number }[] = []
  for (const method of methods) {
    onProgress?.('calibrate', tried.length, methods.length)
    const found = await calibrate(runtime, structure, some(options.rangeImages ?? 32), method)
    const ranges = new Map([...found].map(([point, range]) => [point, scaled(range, margin)]))
    const candidate = await outcomeOf(runtime, build(ranges)(), few, true)
    tried.push({ method, ranges, deviation: deviation(float, candidate) })
  }
  const { method, ranges } = tried.reduce((a, b) => (b.deviation < a.deviation ? b : a))

  /** The file with these layers in float, its thresholds its own, and what the gate says. */
  const check = async () => {
    const write = build(ranges)
    const { scores: after } = await outcomeOf(runtime, write(), images)
    const manifest: Manifest = {
      ...detector.manifest,
      calibration: recalibrated(detector.manifest.calibration, before, after),
      precision: 'int8',
      keptInFloat: names.filter((n) => kept.has(n)),
    }
    const model = write(manifest)
    const verdict = options.gate ? await options.gate(model) : rankingVerdict(before, after)
    return { model, manifest, verdict }
  }

  onProgress?.('check', 0, 1)
  let result = await check()
  const fellBack: LayerError[] = []
  if (!result.verdict.passed) {
    const open = structure.layers.filter((l) => !kept.has(l.name))
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
        if (!fallback || fellBack.length + count >= open.length)
          throw refused(result.verdict, [...fellBack, ...(await take(mostBlamed))])
        for (const error of await take(count)) {
          fellBack.push(error)
          kept.add(error.layer)
        }
        onProgress?.('check', fellBack.length, open.length)
        result = await check()
      }
    } finally {
      await worst.return(undefined)
    }
  }
  const keptNames = names.filter((n) => kept.has(n))
  return { ...result, method, kept: keptNames, fellBack, layers: names.length }
}

function refused({ text }: Verdict, worst: readonly LayerError[]): CflowError {
  const blamed = worst.slice(0, mostBlamed).map((e) => `${e.layer} (${e.deviation.toPrecision(2)})`)
  return new CflowError('ACCURACY', `int8 changes too much: ${text}`, {
    subject: blamed.join(', '),
    hint: 'these layers deviate most: keep them in float with --keep-float, or calibrate on more images',
  })
}

/** At most `count` of the images, spread evenly over all. */
function spread(images: Images, total: number, count: number): Images {
  if (total <= count) return images
  return async function* () {
    let [i, taken] = [0, 0]
    for await (const image of images()) {
      if (Math.floor((i++ * count) / total) < taken) continue
      taken++
      yield image
    }
  }
}

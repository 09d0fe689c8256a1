import { median, sizeOf, tensor, type AnyAbortSignal, type Tensor } from '@cflow/base'
import type { Head } from '@cflow/core'
import type { EncoderModel } from '@cflow/encoders'
import type { Method, TrainConfig } from '@cflow/methods'
import type { Runtime } from '@cflow/runtimes'
import { evidenceOf, type Found } from './calibrate.js'
import type { FeatureCache, PixelCache } from './feature-cache.js'
import { stageProgress, type Stage, type Watch } from './progress.js'

/** What good images look like to detectors that were trained without them, and the passes that these kept. */
export type Judged = Readonly<Record<string, Tensor>>

const evidenceKey = 'evidence.'
/** How many of the folds were judged, where not all were. */
const doneKey = 'folds'

interface FoldOptions extends Watch {
  readonly config: TrainConfig
  readonly encoder: EncoderModel
  readonly apart?: ReadonlySet<number> | undefined
  readonly stage?: Stage
  /** When aborted, the fold under way is the last one that is judged; two are judged at least. */
  readonly finish?: AnyAbortSignal | undefined
}

/**
 * Every image, judged by a detector that was trained on the others but its own fold's (cross-conformal prediction, Vovk
 * 2015): as many trainings as folds. One that learns in passes stops where its fold finds it best.
 * @param folds indices of images, all of them
 */
export const judgedInFolds = async (...job: Parameters<typeof judgeFolds>): Promise<Judged> =>
  (await judgeFolds(...job)).judged

/**
 * The same, with the head of the last fold.
 * @param options.apart images that are judged, but that no detector is trained on
 */
export async function judgeFolds(
  runtime: Runtime,
  method: Method,
  { config, encoder, apart, finish, stage = 'folds', ...watch }: FoldOptions,
  images: PixelCache,
  features: FeatureCache,
  folds: readonly (readonly number[])[],
): Promise<{ readonly judged: Judged; readonly head: Head }> {
  const count = folds.flat().length
  const report = stageProgress(stage, count, watch)
  if (features.cached)
    for await (const encoded of features.of(folds.flat())) if (encoded.length > 0) report(0)
  const evidence = new Map<string, { readonly shape: readonly number[]; readonly data: Float32Array }>() // prettier-ignore
  const kept: (readonly number[])[] = []
  let head: Head | undefined
  let done = 0
  const over: (readonly number[])[] = []
  for (const fold of folds) {
    if (finish?.aborted && over.length >= 2) break
    const began = done
    const training = folds
      .flatMap((other) => (other === fold ? [] : other.filter((i) => !apart?.has(i))))
      .sort((a, b) => a - b)
    const learned = await method.learn({
      ...{ config, encoder, runtime, training, validation: fold, signal: watch.signal },
      features: features.fork(),
      once: (_, work) => work(),
      timed: (_, work) => work(),
      progress: (stage, total) => (part) => {
        report(began + (stage === 'train' ? 0.9 * fold.length * (part / Math.max(total, 1)) : 0))
      },
    })
    head = learned.head
    if (learned.kept) kept.push(learned.kept)
    const found = await evidenceOf(runtime, encoder, learned.head, images.pixels(fold), () => report(++done)) // prettier-ignore
    for (const [name, { shape, images }] of found) {
      const size = sizeOf(shape)
      const all = evidence.get(name) ?? { shape, data: new Float32Array(count * size) }
      images.forEach((image, i) => all.data.set(image, (fold[i] as number) * size))
      evidence.set(name, all)
    }
    over.push(fold)
  }
  const isPart = over.length < folds.length
  const order = over.flat().sort((a, b) => a - b)
  const part = (size: number, data: Float32Array): Float32Array => {
    if (!isPart) return data
    const some = new Float32Array(order.length * size)
    order.forEach((image, i) => some.set(data.subarray(image * size, (image + 1) * size), i * size))
    return some
  }
  const models = kept[0]?.length ?? 0
  const medians = Array.from({ length: models }, (_, k) => median(kept.map((own) => own[k] ?? 0)))
  const judged = {
    ...(isPart && { [doneKey]: tensor('int32', [1], Int32Array.of(over.length)) }),
    ...(models > 0 && { kept: tensor('int32', [models], Int32Array.from(medians)) }),
    ...Object.fromEntries(
      [...evidence].map(([name, { shape, data }]) => [evidenceKey + name, tensor('float32', [isPart ? order.length : count, ...shape], part(sizeOf(shape), data))]), // prettier-ignore
    ),
  }
  return { judged, head: head as Head }
}

/** Passes of each model that the folds found best, of a method that learns in passes. */
export const passesOf = ({ kept }: Judged): readonly number[] | undefined =>
  kept && Array.from(kept.data, Number)

/** How many of the folds were judged. */
export const foldsIn = (judged: Judged, folds: readonly unknown[]): number =>
  Number(judged[doneKey]?.data[0] ?? folds.length)

/** The images that were judged, ascending. */
export const imagesIn = (judged: Judged, folds: readonly (readonly number[])[]): number[] =>
  folds.slice(0, foldsIn(judged, folds)).flat().sort((a, b) => a - b) // prettier-ignore

/** The evidence of the images that were judged, as `evidenceOf` gives it. */
export function foundIn(judged: Judged): Found {
  const found = new Map<string, { shape: readonly number[]; images: Float32Array[] }>()
  for (const [name, { shape: all, data }] of Object.entries(judged)) {
    if (!name.startsWith(evidenceKey)) continue
    const [count = 0, ...shape] = all
    const size = sizeOf(shape)
    const image = (i: number) => (data as Float32Array).subarray(i * size, (i + 1) * size)
    const images = Array.from({ length: count }, (_, i) => image(i))
    found.set(name.slice(evidenceKey.length), { shape, images })
  }
  return found
}

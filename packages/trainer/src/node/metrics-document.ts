import type { Manifest } from '@cflow/core'
import type { Dataset } from '@cflow/datasets'
import { knownDefectsOf, promiseOf } from '@cflow/detector'
import type { PassRecord, TrainConfig } from '@cflow/methods'
import type { Judgement } from '@cflow/report'
import { software } from '../calibrate.js'
import type { Suspicion } from '../suspicious.js'

export interface MetricsSources {
  readonly manifest: Manifest
  readonly judgement: Judgement
  readonly dataset: Dataset
  /** Name and device of the runtime. */
  readonly runtime: string
  /** Size of the detector file. */
  readonly modelBytes: number
  /** Seconds of the stages before the evaluation, and `total`. */
  readonly seconds: Readonly<Record<string, number>>
  /** Settings of the training; absent when a finished detector is evaluated. */
  readonly config?: TrainConfig
  readonly history?: readonly PassRecord[]
  /** Training images that were left out. */
  readonly dropped?: readonly Suspicion[]
}

/**
 * The content of metrics.json. Rates lie in 0..1; a rate that cannot be computed becomes null in JSON. `image` is
 * absent without labelled test images, `pixel` without ground-truth masks.
 */
export function metricsDocument(sources: MetricsSources): Readonly<Record<string, unknown>> {
  const { manifest, judgement, dataset, config, history, dropped = [] } = sources
  const { evaluation } = judgement
  const { method, settings, encoder, inputSize, recipe, aggregation } = manifest
  // of the images it says how many, not which
  const { digests: _, ...training } = manifest.training
  const { calibration } = manifest
  const { threshold, falsePositiveRate, guaranteed, source, setBy } = calibration
  const { kind, limit, nearest, text } = promiseOf(manifest)
  const known = knownDefectsOf(manifest)
  return {
    ...(evaluation && {
      image: evaluation.image,
      ...(evaluation.pixel && { pixel: evaluation.pixel }),
      ...(evaluation.operatingPoint && { operatingPoint: evaluation.operatingPoint }),
      defects: evaluation.defects,
      protocol: evaluation.protocol,
      ...(evaluation.best && { best: evaluation.best }),
    }),
    timing: {
      ...evaluation?.timing,
      seconds: { ...sources.seconds, ...evaluation?.timing.seconds },
      peakMemoryBytes: process.resourceUsage().maxRSS * 1024,
      runtime: sources.runtime,
    },
    dataset: {
      name: dataset.name,
      category: dataset.category,
      train: dataset.train.length,
      test: dataset.test.length,
      ...(dropped.length > 0 && { dropped: dropped.map(({ index: _, ...why }) => why) }),
      ...(dataset.reading && {
        folders: dataset.reading.folders,
        unread: dataset.reading.unread,
        warnings: [...dataset.reading.warnings, ...(judgement.remarks ?? [])],
      }),
    },
    ...(judgement.resolution && { resolution: judgement.resolution }),
    detector: {
      method,
      encoder: encoder.name,
      inputSize,
      ...(settings ? { settings } : { recipe, aggregation }),
      bytes: sources.modelBytes,
      training,
      calibration: {
        ...{ source, images: calibration.scores.length, falsePositiveRate },
        ...(setBy && { setBy }),
        promise: { kind, ...(limit !== undefined && { limit }), ...(nearest !== undefined && { nearest }), text }, // prettier-ignore
        ...(known && { knownDefects: known }),
      },
      threshold,
      guaranteed,
    },
    ...(config && { config }),
    ...(history && { history }),
    software,
  }
}

/** A document as the text of a JSON file; what is not a finite number becomes null. */
export const jsonText = (document: unknown): string => `${JSON.stringify(document, null, 2)}\n`

import { CflowError } from '@cflow/base'
import type { DetectorFile, EngineImage, Prediction, PredictOptions } from '../engine/engine.js'
import type { VersionRecord } from '../state/state.js'
import type { ServerContext, VerdictEvent } from './context.js'
import { found } from './schemas.js'

/** A version of a detector, ready to be run. */
export interface Resolved {
  readonly record: VersionRecord
  readonly file: DetectorFile
  /** S: maps have S×S pixels. */
  readonly inputSize: number
}

/** How long a detector's active version is remembered: other servers may change it. */
const memory = 1000

/** Finds detectors; what was found lately is remembered for a second. */
export function detectorFinder({ state, storage }: Pick<ServerContext, 'state' | 'storage'>) {
  const known = new Map<string, { readonly until: number; readonly resolved: Promise<Resolved> }>()

  const find = async (id: string, version: number | undefined): Promise<Resolved> => {
    const number = version ?? found(await state.detectors.get(id), 'detector', id).active
    if (number === undefined)
      throw new CflowError('CONFLICT', `the detector ${id} has no active version`, {
        subject: id,
        hint: 'activate one, or name a version',
      })
    const record = found(
      await state.detectors.version(id, number),
      'detector',
      version === undefined ? id : `${id}, version ${version}`,
    )
    const path = await storage.file(record.key)
    return {
      record,
      file: { digest: record.digest, path },
      inputSize: Number(record.summary['inputSize']),
    }
  }

  return {
    /** @throws CflowError NOT_FOUND, CONFLICT where no version is active */
    find(id: string, version?: number): Promise<Resolved> {
      const key = `${id}@${version ?? ''}`
      const hit = known.get(key)
      if (hit && hit.until > Date.now()) return hit.resolved
      if (known.size >= 1000) known.clear()
      const resolved = find(id, version)
      known.set(key, { until: Date.now() + memory, resolved })
      resolved.catch(() => known.delete(key))
      return resolved
    },
    /** Something of the detector changed here. */
    forget(id: string): void {
      for (const key of known.keys()) if (key.startsWith(`${id}@`)) known.delete(key)
    },
  }
}

/** Who asks, for events. */
interface Asking {
  readonly requestId: string
  readonly image?: string | undefined
  readonly signal?: AbortSignal | undefined
}

/** Predicts an image, counts the verdict, and tells it to who listens. */
export async function judge(
  {
    engine,
    metrics,
    events,
    drift,
    tracing,
  }: Pick<ServerContext, 'engine' | 'metrics' | 'events' | 'drift' | 'tracing'>,
  { record, file }: Resolved,
  image: EngineImage,
  options: PredictOptions,
  { requestId, image: name, signal }: Asking,
): Promise<Prediction> {
  const { detector, version } = record
  const end = tracing?.part(requestId, 'judge an image', { 'cflow.detector': detector, 'cflow.version': version }) // prettier-ignore
  const prediction = await engine.predict(file, image, options, signal).catch((error: unknown) => {
    end?.({ error })
    throw error
  })
  const { score, threshold, anomalous, pValue, regions } = prediction
  end?.({ attributes: { 'cflow.anomaly_score': score, 'cflow.is_anomalous': anomalous } })
  metrics.verdicts.inc({ detector, verdict: anomalous ? 'anomalous' : 'good' })
  if (threshold > 0) metrics.scores.observe({ detector }, score / threshold)
  const event: VerdictEvent = {
    at: Date.now(),
    ...{ detector, version, requestId, score, threshold, anomalous, pValue },
    ...(name !== undefined && { image: name }),
    ...(regions && { regions: regions.length }),
  }
  drift.add(event, calibrationImages(record), shiftsOf(record, prediction.likelihoods))
  events.emit('verdict', event)
  return prediction
}

/** How far the likelihoods of an image are from those of good images, in deviations of single positions; NaN where unknown. */
export function shiftsOf(
  { summary }: Pick<VersionRecord, 'summary'>,
  likelihoods: readonly number[],
): readonly number[] {
  const scales = (summary['scales'] ?? []) as readonly { mean?: number; deviation?: number }[]
  return likelihoods.map((likelihood, k) => {
    const { mean = NaN, deviation = NaN } = scales[k] ?? {}
    return deviation > 0 ? (likelihood - mean) / deviation : NaN
  })
}

/** Good images that a detector's threshold rests on. */
export function calibrationImages({ summary }: VersionRecord): number {
  const { images } = (summary['calibration'] ?? {}) as { readonly images?: unknown }
  return typeof images === 'number' ? images : 0
}

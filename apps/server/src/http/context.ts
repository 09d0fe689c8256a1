import type { FastifyBaseLogger } from 'fastify'
import type { EventEmitter } from 'node:events'
import type { Config } from '../config.js'
import type { Engine } from '../engine/engine.js'
import type { JobService } from '../jobs/service.js'
import type { Sinks } from '../sinks/sinks.js'
import type { State } from '../state/state.js'
import type { Storage } from '../state/storage.js'
import type { detectorFinder } from './detectors.js'
import type { Drift } from './drift.js'
import type { Metrics } from './metrics.js'
import type { Tracing } from './tracing.js'

/** A verdict, as sinks and drift see it: no image, no map. */
export interface VerdictEvent {
  readonly at: number
  readonly detector: string
  readonly version: number
  readonly requestId: string
  /** What the client called the image, if it did. */
  readonly image?: string
  readonly score: number
  readonly threshold: number
  readonly anomalous: boolean
  readonly pValue: number
  readonly regions?: number
}

/** Recent images do not look like those of calibration, or do so again. */
export interface DriftEvent {
  readonly at: number
  readonly detector: string
  readonly version: number
  readonly drifting: boolean
  readonly images: number
  /** Kolmogorov-Smirnov distance, and the probability of one as large without drift. */
  readonly distance: number
  readonly pValue: number
  /** The least of that and of the scales' probabilities, corrected for how many they are: what decides. */
  readonly adjustedPValue: number
  /** Of every scale of features, the finest first; empty where nothing is known of them. */
  readonly scales: readonly { readonly shift: number; readonly pValue: number }[]
}

export interface ServerEvents {
  verdict: [VerdictEvent]
  drift: [DriftEvent]
}

/** What routes work with. */
export interface ServerContext {
  readonly config: Config
  readonly state: State
  readonly storage: Storage
  readonly engine: Engine
  readonly metrics: Metrics
  readonly log: FastifyBaseLogger
  readonly events: EventEmitter<ServerEvents>
  /** Finds detectors that are to run; to be told where one changes. */
  readonly detectors: ReturnType<typeof detectorFinder>
  readonly drift: Drift
  /** Where traces are configured. */
  readonly tracing?: Tracing | undefined
  /** Takes jobs. */
  readonly jobs: JobService
  /** To be told where one changes. */
  readonly sinks: Sinks
}

import type { Progress } from '@cflow/trainer'
import type { PlainError } from '../engine/protocol.js'
import type { JobInput } from './kinds.js'

/** What a job's process is given: everything lies on this machine. */
export interface Task {
  readonly input: JobInput
  /** Folder with the data set's images. */
  readonly images?: string | undefined
  /** What the work goes on from. */
  readonly checkpoint?: string | undefined
  /** Detector file, for kinds that need one. */
  readonly model?: string | undefined
  /** Where results and checkpoints go. */
  readonly out: string
  readonly device?: string | undefined
  readonly threads?: number | undefined
}

/** `pause` ends at the next point that the work can go on from without loss, `stop` at once. */
export type ToJob =
  | { readonly type: 'start'; readonly task: Task }
  | { readonly type: 'pause' }
  | { readonly type: 'stop' }

export interface JobFile {
  readonly name: string
  readonly type: string
}

export type FromJob =
  | { readonly type: 'progress'; readonly progress: Progress }
  | { readonly type: 'log'; readonly text: string }
  /** Another checkpoint lies in the folder. */
  | { readonly type: 'checkpoint' }
  | { readonly type: 'paused' }
  | {
      readonly type: 'done'
      readonly files: readonly JobFile[]
      readonly metrics: Readonly<Record<string, unknown>>
      /** Of a choice of settings: what was chosen, and why. */
      readonly settings?: Readonly<Record<string, unknown>>
      readonly explanation?: string
      /** Of the detector that was made. */
      readonly summary?: Readonly<Record<string, unknown>>
    }
  | { readonly type: 'failed'; readonly error: PlainError }

export const checkpointName = 'checkpoint.safetensors'
export const modelName = 'model.onnx'

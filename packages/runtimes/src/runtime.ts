import type { Tensor } from '@cflow/base'

export type Tensors = Readonly<Record<string, Tensor>>

export interface SessionOptions {
  /** Threads for one operator; those of the runtime when absent. */
  readonly threads?: number
  /**
   * State that a session carries from one run to the next: output name → input name. Such an input is not fed to
   * `run` and such an output is not returned; the driver keeps both where they are fastest (preallocated buffers that
   * swap roles, memory of the device). Set it with `setState` before the first run.
   */
  readonly state?: Readonly<Record<string, string>>
}

/** A graph made ready to run. */
export interface Session {
  /** Names of the inputs that `run` needs. */
  readonly inputs: readonly string[]
  /** Names of the outputs that `run` gives. */
  readonly outputs: readonly string[]
  /**
   * Run once. Runs of one session are not concurrent: each waits for the one before. The arrays of the results are new
   * ones, the caller's own; outputs that are not asked for are not copied out of the runtime.
   * @throws CflowError RUNTIME when the runtime fails, SHAPE when a feed is missing or does not fit
   */
  run(feeds: Tensors, outputs?: readonly string[]): Promise<Tensors>
  /** Replace carried state, by input name. The driver may take the arrays over: do not use them afterwards. */
  setState(state: Tensors): void
  /** A copy of the carried state, by input name. */
  getState(): Promise<Tensors>
  release(): Promise<void>
}

/** One inference runtime on one kind of device. */
export interface Runtime {
  /** Name and device, such as `onnxruntime-node (cpu)`. */
  readonly name: string
  /**
   * Whether one run of a repeated graph (`writeScan`) is cheaper than a run for every round: so on a CPU, where
   * carried state is copied after every run; elsewhere it stays in the device's memory.
   */
  readonly scans: boolean
  /** @throws CflowError MODEL when the bytes are no model this runtime can run */
  createSession(model: Uint8Array, options?: SessionOptions): Promise<Session>
}

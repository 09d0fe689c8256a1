import { randomUUID } from 'node:crypto'
import type { JobRecord, SinkRecord, State } from '../state/state.js'
import { sinkOf, type SinkInput } from './config.js'

/** Deliveries of a sink that wait at most: more are dropped. */
const maxWaiting = 10_000

/** Writes down what a sink is to be told. @returns false where too much waits */
export function enqueue(
  state: State,
  sink: string,
  type: string,
  data: Readonly<Record<string, unknown>>,
): Promise<boolean> {
  const now = Date.now()
  const payload = { type, timestamp: new Date(now).toISOString(), data }
  const delivery = { id: randomUUID(), sink, createdAt: now, attempts: 0, nextAt: now, dead: false, payload } // prettier-ignore
  return state.sinks.enqueue(delivery, maxWaiting)
}

/** Whether a sink asked for an event of a detector, or of none. */
export const wants = (
  { events, detectors, only }: SinkInput,
  type: SinkInput['events'][number],
  { detector, is_anomalous: anomalous }: Readonly<Record<string, unknown>>,
): boolean =>
  events.includes(type) &&
  (type !== 'verdict' || only === 'all' || anomalous === true) &&
  (detectors === undefined || typeof detector !== 'string' || detectors.includes(detector))

/** Tells who asked for it that a job has ended, wherever it ran. */
export async function tellEnded(state: State, job: JobRecord): Promise<void> {
  const { id, kind, status, error, input, result } = job
  const detector = result?.['detector'] ?? input['detector']
  const data = {
    ...{ job: id, kind, status },
    ...(typeof detector === 'string' && { detector }),
    ...(result?.['version'] !== undefined && { version: result['version'] }),
    ...(error && { error }),
  }
  for (const record of await state.sinks.list()) await tell(state, record, data)
}

async function tell(state: State, record: SinkRecord, data: object): Promise<void> {
  if (wants(sinkOf(record), 'job', data as Readonly<Record<string, unknown>>))
    await enqueue(state, record.id, 'job', data as Readonly<Record<string, unknown>>)
}

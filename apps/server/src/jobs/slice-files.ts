import { CflowError } from '@cflow/base'
import { makeFolder } from '@cflow/base/node'
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import type { JobOutcome } from '../state/state.js'
import { layOut } from './images.js'
import { inputOf, type JobInput } from './kinds.js'
import { insistently, type Lease } from './lease.js'
import { checkpointName, modelName, type FromJob, type Task } from './protocol.js'
import type { Slice, SupervisorOptions } from './slice.js'

/** All that the process needs, on this machine. */
export async function prepare(options: SupervisorOptions, { job, folder }: Slice): Promise<Task> {
  const { state, storage, device, threads } = options
  const input = inputOf(job)
  const out = join(folder, 'out')
  await makeFolder(out)
  const images = input.dataset === undefined ? undefined : join(folder, 'images')
  if (images !== undefined) await layOut(storage, job.id, images)
  const checkpoint = job.checkpoint === undefined ? undefined : await storage.file(job.checkpoint)
  let model: string | undefined
  if (input.kind === 'evaluate' || input.kind === 'update') {
    const { detector, version = (await state.detectors.get(detector))?.active } = input
    const record =
      version === undefined ? undefined : await state.detectors.version(detector, version)
    if (!record)
      throw new CflowError('NOT_FOUND', `there is no detector ${detector}, or no such version`, {
        subject: detector,
      })
    model = await storage.file(record.key)
  }
  return { input, images, checkpoint, model, out, device, threads }
}

/** Checkpoints that leave this machine: bytes first, then the record that names them. */
export function checkpointsOf(
  { state, storage, log }: SupervisorOptions,
  { job: { id }, token, folder }: Slice,
  lease: Lease,
) {
  let number = 0
  let fresh = false
  let saved = Date.now()
  let last: Promise<void> = Promise.resolve()
  const save = async (): Promise<void> => {
    if (!fresh || lease.lost) return
    fresh = false
    saved = Date.now()
    const key = `jobs/${id}/${token}/checkpoint-${++number}`
    const before = await insistently(async () => {
      await storage.put(key, createReadStream(join(folder, 'out', checkpointName)))
      return state.jobs.checkpoint(id, token, key)
    }, lease)
    const obsolete = before === false ? key : before
    if (obsolete !== undefined && obsolete !== key) await storage.remove(obsolete)
    if (before === false) await storage.remove(key)
  }
  const inTurn = () =>
    (last = last.then(save).catch((err: unknown) => {
      fresh = true
      log('warn', { job: id, err }, 'a checkpoint could not be kept')
    }))
  return {
    written(interval: number): void {
      fresh = true
      if (Date.now() - saved >= interval) void inTurn()
    },
    save: inTurn,
    settled: () => last,
  }
}

/** Puts results where they last. The record that names them is written by who releases the job. */
export async function keep(
  { storage }: SupervisorOptions,
  { job: { id }, token, folder }: Slice,
  input: JobInput,
  { files, metrics, summary, settings, explanation }: Extract<FromJob, { type: 'done' }>,
): Promise<JobOutcome> {
  const kept: Record<string, object> = {}
  const put = (name: string, key: string) =>
    storage.put(key, createReadStream(join(folder, 'out', name)))
  for (const { name, type } of files) {
    const key = `jobs/${id}/${token}/${name}`
    kept[name] = { ...(await put(name, key)), key, type }
  }
  const at = Date.now()
  const { image, pixel } = metrics as { image?: object; pixel?: object }
  const result = { files: kept, ...(image && { image }), ...(pixel && { pixel }), ...(summary && { summary }), ...(settings && { settings }), ...(explanation !== undefined && { explanation }) } // prettier-ignore
  if (input.kind === 'evaluate' || !summary || input.detector === undefined)
    return { status: 'succeeded', at, result }
  const key = `detectors/${id}-${randomUUID()}.onnx`
  const { digest, bytes } = await put(modelName, key)
  const source = { kind: 'job', job: id } as const
  const version = { detector: input.detector, createdAt: at, digest, bytes, key, summary, source } // prettier-ignore
  return { status: 'succeeded', at, result, promote: { version, activate: input.activate } }
}

/** Removes what workers that died left of a job that ended. */
export async function discard({ state, storage }: SupervisorOptions, id: string): Promise<void> {
  const { result } = (await state.jobs.get(id))!
  const files = (result?.['files'] ?? {}) as Readonly<Record<string, { readonly key: string }>>
  const named = new Set(Object.values(files).map(({ key }) => key))
  for (const key of await storage.list(`jobs/${id}/`))
    if (!named.has(key)) await storage.remove(key)
}

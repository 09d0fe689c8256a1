import { CflowError, messageOf } from '@cflow/base'
import { makeFolder } from '@cflow/base/node'
import type { Progress } from '@cflow/trainer'
import { randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { readdir, rm, rmdir } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { kill, startChild } from '../engine/child.js'
import { plainError } from '../engine/plain-error.js'
import type { JobOutcome, JobRecord, State } from '../state/state.js'
import type { Storage } from '../state/storage.js'
import { tellEnded } from '../sinks/enqueue.js'
import { layOut } from './images.js'
import { inputOf, type JobInput } from './kinds.js'
import { checkpointName, modelName, type FromJob, type Task, type ToJob } from './protocol.js'

export interface SupervisorOptions {
  readonly state: State
  readonly storage: Storage
  /** Folder of this machine for what jobs work with. */
  readonly work: string
  /** Name of this worker, for people. */
  readonly worker: string
  readonly device?: string | undefined
  readonly threads?: number | undefined
  /** Milliseconds, all of them; see `defaults`. */
  readonly timing?: Partial<typeof defaults>
  log(level: 'info' | 'warn', facts: object, text: string): void
}

const defaults = {
  /** After this a job pauses at the next point that nothing is lost at, and stands in line again. */
  slice: 10 * 60_000,
  /** A worker that is not heard of for so long has lost its job. */
  lease: 60_000,
  /** How often the lease, and whether to go on, is looked at. */
  heartbeat: 2000,
  /** Between two checkpoints that leave this machine. */
  checkpoint: 60_000,
  /** Between two lines of progress. */
  progress: 1000,
  /** For a process that was asked to stop. */
  stop: 30_000,
}

/** A job whose process died so often is given up. */
export const maxCrashes = 5

/** How a slice ended: with the job, to be gone on with, or taken over by another worker. */
export type SliceEnd = 'ended' | 'continues' | 'lost'

/** Runs slices of jobs, each in a process of its own. */
export function createSupervisor(options: SupervisorOptions) {
  const { state, work } = options
  const timing = { ...defaults, ...options.timing }
  return {
    /**
     * Takes a job, the oldest or the one that is named, and runs one slice of it.
     *
     * @param signal asks it to hand the job back as soon as it can
     * @returns undefined where there was none to take
     */
    async runOne(
      signal: AbortSignal,
      only?: string,
    ): Promise<{ readonly id: string; readonly end: SliceEnd } | undefined> {
      if (signal.aborted) return undefined
      const token = randomUUID()
      const until = Date.now() + timing.lease
      const job = await state.jobs.lease(options.worker, token, until, only)
      if (!job) return undefined
      const folder = join(work, job.id, token)
      try {
        return { id: job.id, end: await runSlice(options, timing, { job, token, folder, until }, signal) } // prettier-ignore
      } finally {
        await rmdir(join(work, job.id)).catch(() => undefined)
      }
    },
  }
}

const machine = hostname().replace(/[^A-Za-z0-9-]/g, '_')

/** Name of this process among workers. */
export const workerName = (): string => `${machine}-${process.pid}`

/** Whether a worker of this machine is gone; one of this very name was in a container that started again. */
function isGone(worker: string): boolean {
  const [, host, pid] = /^(.+)-(\d+)$/.exec(worker) ?? []
  return host === machine && (Number(pid) === process.pid || !isAlive(Number(pid)))
}

/** Ends the leases of workers of this machine that were killed: nobody needs to wait for them. Call it before taking jobs. */
export async function endLeasesOfDead(state: State): Promise<void> {
  for (const { id, lease } of await state.jobs.list({ status: 'running' }))
    if (lease && isGone(lease.worker)) await state.jobs.renew(id, lease.token, 0)
}

/** Folder for what this process works with; those of processes of this machine that are gone are removed. */
export async function workFolder(data: string): Promise<string> {
  const all = join(data, 'work')
  for (const name of await readdir(all).catch(() => []))
    if (isGone(name))
      await rm(join(all, name), { recursive: true, force: true }).catch(() => undefined)
  return join(all, workerName())
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

export type Supervisor = ReturnType<typeof createSupervisor>

interface Slice {
  readonly job: JobRecord
  /** Fences: whoever does not hold it changes nothing of the job. */
  readonly token: string
  readonly folder: string
  readonly until: number
}

async function runSlice(
  options: SupervisorOptions,
  timing: typeof defaults,
  slice: Slice,
  signal: AbortSignal,
): Promise<SliceEnd> {
  const { state, log } = options
  const { job, token, folder } = slice
  const { id } = job
  const history = historyOf(options, timing, slice)
  const lease = { until: slice.until, lost: false }
  const alive = heartbeat(options, timing, slice, lease)
  /** Ends the lease; what cannot be said now is said again as long as the lease lasts. */
  const release = async (outcome: JobOutcome): Promise<SliceEnd> => {
    await history.flush()
    const done = await insistently(() => state.jobs.release(id, token, outcome), lease)
    alive.end()
    if (done !== true) {
      log('warn', { job: id }, 'the job was lost to another worker')
      return 'lost'
    }
    if (outcome.status === 'queued') return 'continues'
    await history.add({ type: 'ended', status: outcome.status, ...(outcome.status === 'failed' && { error: outcome.error }) }) // prettier-ignore
    await state.jobs
      .get(id)
      .then((ended) => ended && tellEnded(state, ended))
      .catch((err: unknown) => log('warn', { job: id, err }, 'sinks were not told of a job'))
    await discard(options, id).catch((err: unknown) => log('warn', { job: id, err }, 'left-overs of a job stay')) // prettier-ignore
    return 'ended'
  }
  const fail = (error: unknown): Promise<SliceEnd> =>
    release({ status: 'failed', at: Date.now(), error: plainError(error) })
  try {
    if (job.cancelRequested) return await release({ status: 'cancelled', at: Date.now() })
    if (job.crashes >= maxCrashes) return await fail(crashed(job.crashes))
    const task = await insistently(() => prepare(options, slice), lease)
    if (task === undefined) return 'lost'
    await history.add({ type: job.checkpoint === undefined ? 'started' : 'resumed', worker: options.worker }) // prettier-ignore
    const checkpoints = checkpointsOf(options, slice, lease)
    const started = (pid: number | undefined) =>
      log('info', { job: id, kind: job.kind, pid }, 'a slice of a job begins')
    const end = await runProcess(timing, task, signal, alive, started, (message) => {
      if (message.type === 'progress') history.progress(message.progress)
      if (message.type === 'log') void history.add({ type: 'log', text: message.text })
      if (message.type === 'checkpoint') checkpoints.written(timing.checkpoint)
    })
    if (end.type === 'lost') return await release({ status: 'queued', crashed: false })
    if (end.type === 'cancelled') return await release({ status: 'cancelled', at: Date.now() })
    await checkpoints.settled()
    if (end.type === 'failed') return await release({ status: 'failed', at: Date.now(), error: end.error }) // prettier-ignore
    if (end.type === 'paused') {
      await checkpoints.save()
      await history.add({ type: 'paused', worker: options.worker })
      return await release({ status: 'queued', crashed: false })
    }
    if (end.type === 'crashed') {
      await history.add({ type: 'crashed', worker: options.worker, text: end.text })
      log('warn', { job: id, text: end.text }, 'the process of a job died')
      const crashes = ((await state.jobs.get(id))?.crashes ?? 0) + 1
      if (crashes >= maxCrashes) return await fail(crashed(crashes))
      return await release({ status: 'queued', crashed: true })
    }
    const outcome = await insistently(() => keep(options, slice, task.input, end), lease)
    if (outcome === undefined) return 'lost'
    return await release(outcome)
  } catch (error) {
    // the job is at fault for what is known, a worker for the rest: somebody else may have more luck
    if (error instanceof CflowError && error.code !== 'UNAVAILABLE' && error.code !== 'IO')
      return await fail(error)
    log('warn', { job: id, err: error }, 'a slice of a job failed')
    return await release({ status: 'queued', crashed: true })
  } finally {
    alive.end()
    await rm(folder, { recursive: true, force: true }).catch(() => undefined)
  }
}

const crashed = (times: number) =>
  new CflowError('CRASHED', `its process died ${times} times`, {
    hint: 'look at the workers’ logs; too little memory is the usual cause',
  })

interface Lease {
  until: number
  lost: boolean
}

/** Again, as long as the lease lasts: databases and storages are restarted. @returns undefined when it was lost */
async function insistently<T>(work: () => Promise<T>, lease: Lease): Promise<T | undefined> {
  for (;;)
    try {
      return await work()
    } catch (error) {
      const again = error instanceof CflowError && error.code === 'UNAVAILABLE'
      if (!again) throw error
      if (lease.lost || Date.now() > lease.until) return undefined
      await new Promise((resolve) => setTimeout(resolve, 500))
    }
}

/** Keeps the lease, and looks whether the job is to go on. */
function heartbeat(
  { state }: SupervisorOptions,
  timing: typeof defaults,
  { job: { id }, token }: Slice,
  lease: Lease,
) {
  const told = new AbortController()
  let why: 'lost' | 'cancelled' | undefined
  const say = (reason: 'lost' | 'cancelled') => {
    if (reason === 'lost') lease.lost = true
    why ??= reason
    told.abort()
  }
  let busy = false
  const beat = async () => {
    if (busy) {
      // the database does not answer
      if (Date.now() > lease.until) say('lost')
      return
    }
    busy = true
    try {
      const until = Date.now() + timing.lease
      if (lease.until - Date.now() < (timing.lease * 2) / 3) {
        if (await state.jobs.renew(id, token, until)) lease.until = until
        else return say('lost')
      }
      const record = await state.jobs.get(id)
      if (record?.lease?.token !== token) return say('lost')
      if (record.cancelRequested) say('cancelled')
    } catch {
      if (Date.now() > lease.until) say('lost')
    } finally {
      busy = false
    }
  }
  const timer = setInterval(() => void beat(), timing.heartbeat)
  return {
    /** Ends when the process is to be ended. */
    signal: told.signal,
    why: () => why,
    end: () => clearInterval(timer),
  }
}

type ProcessEnd =
  | Extract<FromJob, { type: 'done' | 'failed' | 'paused' }>
  | { readonly type: 'crashed'; readonly text: string }
  | { readonly type: 'lost' }
  | { readonly type: 'cancelled' }

/** One process, from its start to its end. */
function runProcess(
  timing: typeof defaults,
  task: Task,
  signal: AbortSignal,
  alive: ReturnType<typeof heartbeat>,
  onStart: (pid: number | undefined) => void,
  onMessage: (message: FromJob) => void,
): Promise<ProcessEnd> {
  return new Promise((resolve) => {
    const child = startChild('child', import.meta.url)
    onStart(child.pid)
    const say = (message: ToJob) => child.connected && child.send(message, () => undefined)
    let last: ProcessEnd | undefined
    let stopping = false
    const timers: NodeJS.Timeout[] = []
    const later = (milliseconds: number, work: () => void) => timers.push(setTimeout(work, milliseconds)) // prettier-ignore
    const stop = () => {
      stopping = true
      say({ type: 'stop' })
      later(timing.stop, () => kill(child))
    }
    const abandon = () => kill(child)
    child.on('message', (message: FromJob) => {
      if (message.type === 'done' || message.type === 'failed' || message.type === 'paused')
        last = message
      else onMessage(message)
    })
    child.on('error', (error) => (last ??= { type: 'crashed', text: messageOf(error) }))
    child.on('close', (code, by) => {
      timers.forEach(clearTimeout)
      signal.removeEventListener('abort', stop)
      alive.signal.removeEventListener('abort', abandon)
      const why = alive.why()
      if (why) resolve({ type: why })
      else if (last) resolve(last)
      // it did not stop in time: what it saved stands
      else if (stopping) resolve({ type: 'paused' })
      else resolve({ type: 'crashed', text: `its process ended with ${by ?? code}` })
    })
    later(timing.slice, () => say({ type: 'pause' }))
    signal.addEventListener('abort', stop, { once: true })
    alive.signal.addEventListener('abort', abandon, { once: true })
    say({ type: 'start', task })
    if (signal.aborted) stop()
    if (alive.signal.aborted) abandon()
  })
}

/** All that the process needs, on this machine. */
async function prepare(options: SupervisorOptions, { job, folder }: Slice): Promise<Task> {
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
function checkpointsOf(
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
async function keep(
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
async function discard({ state, storage }: SupervisorOptions, id: string): Promise<void> {
  const { result } = (await state.jobs.get(id))!
  const files = (result?.['files'] ?? {}) as Readonly<Record<string, { readonly key: string }>>
  const named = new Set(Object.values(files).map(({ key }) => key))
  for (const key of await storage.list(`jobs/${id}/`))
    if (!named.has(key)) await storage.remove(key)
}

/** Lines of the job's history, in their order, and its progress now and then. */
function historyOf(
  { state, log }: SupervisorOptions,
  timing: typeof defaults,
  { job: { id }, token }: Slice,
) {
  let last: Promise<unknown> = Promise.resolve()
  let waiting: Progress | undefined
  let stage: string | undefined
  let pass: number | undefined
  let said = -Infinity
  let queued = 0
  const add = (event: Readonly<Record<string, unknown>>): Promise<void> => {
    // who writes more than can be kept loses lines, not memory
    if (queued > 1000) return Promise.resolve()
    queued++
    last = last
      .then(() => state.jobs.addEvent(id, Date.now(), event))
      .catch((err: unknown) => log('warn', { job: id, err }, 'a line of a job’s history is lost'))
      .finally(() => queued--)
    return last as Promise<void>
  }
  const say = (progress: Progress) => {
    waiting = undefined
    said = Date.now()
    const { stage, done, total, losses, rate, secondsLeft } = progress
    const facts = {
      ...{ stage, done, total },
      ...(stage === 'train' && { pass: Math.min(Math.floor(done) + 1, total), passes: total }),
      ...(losses && { losses: losses.map((l) => (Number.isFinite(l) ? l : null)) }),
      ...(rate !== undefined && { rate }),
      ...(secondsLeft !== undefined && { seconds_left: secondsLeft }),
    }
    last = last.then(() => state.jobs.progress(id, token, facts).catch(() => false))
    void add({ type: 'progress', ...facts })
  }
  return {
    add,
    progress(progress: Progress): void {
      const now = progress.stage === 'train' ? Math.floor(progress.done) : undefined
      const news = progress.stage !== stage || now !== pass || progress.done >= progress.total
      stage = progress.stage
      pass = now
      // the end of a pass and of a stage are always told, unless that is soon again
      const interval = news ? timing.progress / 4 : timing.progress
      if (Date.now() - said >= interval) say(progress)
      else waiting = progress
    },
    async flush(): Promise<void> {
      if (waiting) say(waiting)
      await last
    },
  }
}

import type { Progress } from '@cflow/trainer'
import type { Slice, SupervisorOptions, Timing } from './slice.js'

/** Lines of the job's history, in their order, and its progress now and then. */
export function historyOf(
  { state, log }: SupervisorOptions,
  timing: Timing,
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

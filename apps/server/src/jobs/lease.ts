import { CflowError } from '@cflow/base'
import type { Slice, SupervisorOptions, Timing } from './slice.js'

/** Until when a job is held, as far as is known here. */
export interface Lease {
  until: number
  lost: boolean
}

/** Again, as long as the lease lasts: databases and storages are restarted. @returns undefined when it was lost */
export async function insistently<T>(work: () => Promise<T>, lease: Lease): Promise<T | undefined> {
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
export function heartbeat(
  { state }: SupervisorOptions,
  timing: Timing,
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

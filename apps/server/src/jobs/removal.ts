import { CflowError } from '@cflow/base'
import type { State } from '../state/state.js'
import type { Storage } from '../state/storage.js'

interface Places {
  readonly state: State
  readonly storage: Storage
}

/**
 * Deletes a job that ended, with all that it made but versions of detectors. Its files go first: what is left of a removal
 * that broke off can be removed again.
 *
 * @returns false where there is no such job
 * @throws CflowError CONFLICT for one that has not ended
 */
export async function removeJob({ state, storage }: Places, id: string): Promise<boolean> {
  const job = await state.jobs.get(id)
  if (!job) return false
  if (job.endedAt === undefined)
    throw new CflowError('CONFLICT', 'the job has not ended', {
      subject: id,
      hint: `cancel it first: POST /v1/jobs/${id}/cancel`,
    })
  for (const key of await storage.list(`jobs/${id}/`)) await storage.remove(key)
  return state.jobs.remove(id)
}

/** Deletes the jobs that ended before a time. @returns how many */
export async function removeJobsBefore(places: Places, time: number): Promise<number> {
  let removed = 0
  for (;;) {
    const ids = await places.state.jobs.endedBefore(time, 100)
    if (ids.length === 0) return removed
    for (const id of ids) if (await removeJob(places, id)) removed++
  }
}

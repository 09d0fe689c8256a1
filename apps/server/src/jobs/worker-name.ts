import { readdir, rm } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { State } from '../state/state.js'

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

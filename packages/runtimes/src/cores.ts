import { readFileSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'

/**
 * Physical cores that this process may use: two threads of one core share the units that matrix products are bound by,
 * so that more threads than these are slower. Where the system does not tell (all but Linux), the logical ones. A container's
 * share of the processors counts, too: threads beyond it only make the others wait.
 */
export function physicalCores(cpus = '/sys/devices/system/cpu', quota = cpuQuota()): number {
  // lists of sibling threads, one for each thread; a processor that is switched off has none
  const lists = (attempt(() => readdirSync(cpus)) ?? [])
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) =>
      attempt(() => readFileSync(`${cpus}/${name}/topology/thread_siblings_list`, 'utf8').trim()),
    )
  const cores = new Set(lists.filter((list) => list !== undefined)).size
  return Math.max(1, Math.min(cores || Infinity, availableParallelism(), Math.floor(quota)))
}

/**
 * Processors' time a second that the control group of this process, and those above it, may use: `cpu.max` of version 2,
 * `cpu.cfs_quota_us` of version 1. Infinity where there is no limit, or no Linux.
 */
export function cpuQuota(root = '/sys/fs/cgroup', own = '/proc/self/cgroup'): number {
  const groups = attempt(() => readFileSync(own, 'utf8').trim().split('\n')) ?? []
  return Math.min(...groups.flatMap((line) => quotasOf(root, line)), Infinity)
}

/** Of a line such as `0::/a/b` (version 2) or `4:cpu,cpuacct:/a/b`: the limits of the group and of those above it. */
function quotasOf(root: string, line: string): readonly number[] {
  const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? []
  const unified = controllers === ''
  if (!unified && !controllers.split(',').includes('cpu')) return []
  const mounts = unified
    ? [root, join(root, 'unified')]
    : [join(root, controllers), join(root, 'cpu')]
  const parts = path.split('/').filter((part) => part !== '' && part !== '..')
  // inside a container the path may be the host's: what is not there is passed over
  const folders = mounts.flatMap((mount) =>
    parts
      .concat('')
      .map((_, depth) => join(mount, ...parts.slice(0, depth)))
      .concat(join(mount, ...parts)),
  )
  return folders.map((folder) => {
    const text = (name: string) => attempt(() => readFileSync(join(folder, name), 'utf8').trim())
    const [quota, period] = unified
      ? (text('cpu.max')?.split(' ') ?? [])
      : [text('cpu.cfs_quota_us'), text('cpu.cfs_period_us')]
    const share = Number(quota) / Number(period)
    return share > 0 ? share : Infinity
  })
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

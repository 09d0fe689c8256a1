import { readFileSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/**
 * Physical cores that this process may use: two threads of one core share the units that matrix products are bound by,
 * so that more threads than these are slower. Where the system does not tell (all but Linux), the logical ones.
 */
export function physicalCores(cpus = '/sys/devices/system/cpu'): number {
  // lists of sibling threads, one for each thread; a processor that is switched off has none
  const lists = (attempt(() => readdirSync(cpus)) ?? [])
    .filter((name) => /^cpu\d+$/.test(name))
    .map((name) =>
      attempt(() => readFileSync(`${cpus}/${name}/topology/thread_siblings_list`, 'utf8').trim()),
    )
  const cores = new Set(lists.filter((list) => list !== undefined)).size
  return Math.min(cores || Infinity, availableParallelism())
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

import { readFileSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'

/**
 * Physical cores that this process may use: two threads of one core share the units that matrix products are bound by,
 * so that more threads than these are slower. Where the system does not tell (all but Linux), the logical ones.
 */
export function physicalCores(cpus = '/sys/devices/system/cpu'): number {
  return Math.max(1, Math.min(coresOf(cpus) ?? Infinity, availableParallelism()))
}

/** Distinct lists of sibling threads. */
function coresOf(cpus: string): number | undefined {
  try {
    const lists = readdirSync(cpus)
      .filter((name) => /^cpu\d+$/.test(name))
      .map((name) => siblings(`${cpus}/${name}/topology`))
      .filter((list) => list !== undefined)
    return new Set(lists).size || undefined
  } catch {
    return undefined
  }
}

/** Undefined for a processor that is switched off: it has no topology. */
function siblings(topology: string): string | undefined {
  try {
    return readFileSync(`${topology}/thread_siblings_list`, 'utf8').trim()
  } catch {
    return undefined
  }
}

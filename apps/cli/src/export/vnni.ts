import { readFileSync } from 'node:fs'

/**
 * Whether int8 weights need seven bits on this machine: x86 without VNNI, whose 16-bit sums overflow with eight. False
 * where it cannot be told (only Linux lists what a processor can do); --reduce-range says so for other machines.
 */
export function needsReducedRange(arch: string = process.arch, cpuinfo = '/proc/cpuinfo'): boolean {
  if (arch !== 'x64' && arch !== 'ia32') return false
  try {
    return !/\b(avx512_vnni|avx_vnni|amx_int8)\b/.test(readFileSync(cpuinfo, 'utf8'))
  } catch {
    return false
  }
}

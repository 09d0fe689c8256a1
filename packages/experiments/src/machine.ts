import { availableParallelism, cpus, totalmem } from 'node:os'

/** The machine in words: results are compared on one machine only. */
export function machine(): string {
  const model = cpus()[0]?.model.replaceAll(/\s+/g, ' ').trim() || process.arch
  const memory = `${Math.round(totalmem() / 1e9)} GB`
  return `${model}, ${availableParallelism()} logical cores, ${memory}, ${process.platform}, Node ${process.version}`
}

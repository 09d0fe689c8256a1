import { runScript } from '../child.js'
import type { BenchOptions } from '../options.js'
import type { Table } from '../table.js'

/** Time and memory of the pixel metrics over 83 images of 512 × 512. */
export async function evaluation(options: BenchOptions): Promise<Table> {
  const rows: (string | number)[][] = []
  for (const kind of options.quick ? ['smooth'] : ['smooth', 'noise']) {
    const { output } = await runScript('benchmarks/metrics.ts', [kind])
    const [, seconds, megabytes] = /total: ([\d.]+) s, peak memory (\d+) MB/.exec(output) ?? []
    const inputs = /(\d+) MB with the inputs/.exec(output)?.[1]
    rows.push([kind, Number(seconds), Number(inputs), Number(megabytes)])
  }
  return {
    title: 'Evaluation: AUROC, AUPRO and F1-max over 83 images of 512 × 512, one thread',
    columns: ['maps', 'seconds', 'MB with the inputs', 'peak MB'],
    rows,
  }
}

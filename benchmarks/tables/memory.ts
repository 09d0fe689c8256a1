import { runScript } from '../child.js'
import type { BenchOptions } from '../options.js'
import type { Table } from '../table.js'

/** Peak resident size of a training by the number of its images. */
export async function memory(options: BenchOptions): Promise<Table> {
  const rows: (string | number)[][] = []
  for (const encoder of options.quick ? ['efficientnet-lite0'] : ['efficientnet-lite0', 'resnet18'])
    for (const images of options.quick ? [16, 64] : [32, 128, 512, 2048]) {
      const { output } = await runScript('benchmarks/train-memory.ts', [encoder, String(images)])
      const { megabytes, seconds } = JSON.parse(output) as { megabytes: number; seconds: number }
      rows.push([encoder, String(images), megabytes, seconds])
    }
  return {
    title: 'Memory of a training by its number of images (256 px, one pass)',
    columns: ['encoder', 'images', 'peak MB', 'seconds'],
    rows,
  }
}

import { cli, runScript } from '../child.js'
import { median } from '../measure.js'
import type { BenchOptions } from '../options.js'
import type { Table } from '../table.js'

/** Start-up of the command: what passes before it looks for the model. */
export async function startup(options: BenchOptions): Promise<Table> {
  const times = async (file: string, args: readonly string[]) => {
    const all: number[] = []
    for (let i = 0; i < options.rounds; i++) all.push((await runScript(file, args)).seconds)
    return median(all)
  }
  const empty = await times('benchmarks/empty.ts', [])
  const help = await times(cli, ['predict', '--help'])
  return {
    title: 'Start-up of the command, seconds',
    columns: ['program', 'seconds'],
    rows: [
      ['Node and the TypeScript loader alone', empty],
      ['cflow predict --help', help],
      ['difference', help - empty],
    ],
    note: 'Run from the sources; the built command needs no TypeScript loader.',
  }
}

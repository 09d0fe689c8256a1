/**
 * Measures this project and its peers in one run; prints Markdown, and writes Markdown and JSON to benchmarks/results.
 *
 *     npm run bench -- [train-step] [wasm-step] [infer] [whole-job] [memory] [evaluation] [startup]
 *         [--quick] [--no-peers] [--rounds N] [--seconds S] [--threads T] [--mvtec DIR]
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { root } from './child.js'
import { benchOptions, type BenchOptions, type TableName } from './options.js'
import { markdown, type Table } from './table.js'
import { evaluation } from './tables/evaluation.js'
import { infer } from './tables/infer.js'
import { memory } from './tables/memory.js'
import { startup } from './tables/startup.js'
import { trainStep } from './tables/train-step.js'
import { wasmStep } from './tables/wasm-step.js'
import { wholeJob } from './tables/whole-job.js'

const makers: Readonly<Record<TableName, (options: BenchOptions) => Promise<Table>>> = {
  'train-step': trainStep,
  'wasm-step': wasmStep,
  infer,
  'whole-job': wholeJob,
  memory,
  evaluation,
  startup,
}

const options = benchOptions(process.argv.slice(2))
const [processor] = cpus()
const conditions = {
  date: new Date().toISOString().slice(0, 10),
  processor: processor?.model ?? 'unknown',
  cores: cpus().length,
  threads: options.threads,
  rounds: options.rounds,
  node: process.version,
  loadAtStart: loadavg()[0],
}
const folder = join(root, 'benchmarks', 'results')
mkdirSync(folder, { recursive: true })
const tables: Partial<Record<TableName, Table>> = {}
const texts: string[] = []
for (const name of options.tables) {
  const table = await makers[name](options)
  tables[name] = table
  texts.push(markdown(table))
  console.log(texts.at(-1))
  // after every table, so that an interrupted run keeps what it has
  writeFileSync(join(folder, 'bench.json'), JSON.stringify({ conditions, tables }, null, 2) + '\n')
  writeFileSync(join(folder, 'bench.md'), texts.join('\n'))
}
console.log(JSON.stringify({ conditions }))

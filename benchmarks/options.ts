import { parseArgs } from 'node:util'

export const tableNames = [
  'train-step',
  'wasm-step',
  'infer',
  'whole-job',
  'memory',
  'evaluation',
  'startup',
] as const
export type TableName = (typeof tableNames)[number]

export interface BenchOptions {
  readonly tables: readonly TableName[]
  /** Fewer rows, shorter measurements. */
  readonly quick: boolean
  /** Rounds in which all sides of a row take turns. */
  readonly rounds: number
  /** Seconds of one measurement. */
  readonly seconds: number
  readonly threads: number
  /** Whether PyTorch and the other peers are measured too. */
  readonly peers: boolean
  /** Of the table train-step. */
  readonly depths: readonly number[]
  readonly miniBatches: readonly number[]
  /** Root folder of MVTec AD with the category transistor. */
  readonly mvtec: string | undefined
}

const numbers = (text: string | undefined) => text?.split(',').map(Number)

export function benchOptions(args: readonly string[]): BenchOptions {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      'no-peers': { type: 'boolean', default: false },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      threads: { type: 'string', default: '2' },
      mvtec: { type: 'string' },
      depths: { type: 'string' },
      'mini-batches': { type: 'string' },
    },
  })
  const unknown = positionals.find((p) => !tableNames.includes(p as TableName))
  if (unknown !== undefined)
    throw new Error(`there is no table ${unknown}; there are ${tableNames.join(', ')}`)
  return {
    tables: positionals.length > 0 ? (positionals as TableName[]) : tableNames,
    quick: values.quick,
    rounds: Number(values.rounds ?? (values.quick ? 3 : 5)),
    seconds: Number(values.seconds ?? (values.quick ? 1 : 3)),
    threads: Number(values.threads),
    peers: !values['no-peers'],
    mvtec: values.mvtec,
    depths: numbers(values.depths) ?? (values.quick ? [40, 128, 256] : [40, 128, 256, 512, 1024]),
    miniBatches:
      numbers(values['mini-batches']) ?? (values.quick ? [256, 2048] : [256, 2048, 8192]),
  }
}

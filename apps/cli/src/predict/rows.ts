import { csvField } from '@cflow/base'
import type { Detection } from '@cflow/detector'
import type { Session } from '../io.js'

/** What is reported of one image; paths of files where some were written. */
export type Prediction = { readonly path: string } & (
  | (Pick<Detection, 'score' | 'threshold' | 'anomalous' | 'pValue'> & {
      readonly overlay?: string
      readonly mask?: string
      readonly map?: string
    })
  | { readonly error: string; readonly code: string }
)

/** Why a list ends before all images were scored. */
interface Broken {
  readonly error: string
  readonly code: string
}

/** Writes results as they come. */
export interface Rows {
  add(row: Prediction): void
  /** Of an error that ends the command: the list says so, and is closed. False where nothing was written yet. */
  fail(broken: Broken): boolean
  end(): void
}

export const formats = ['table', 'json', 'jsonl', 'csv'] as const
export type Format = (typeof formats)[number]

/** Results on standard output in a format. */
export function rowsOf(format: Format, { io }: Session): Rows {
  switch (format) {
    case 'table':
      io.out(line('verdict', 'score', 'p-value', 'image'))
      return { add: (row) => io.out(lineOf(row)), fail: () => false, end: () => undefined }
    case 'csv':
      io.out(`${columns.join(',')}\n`)
      return { add: (row) => io.out(csvOf(row)), fail: () => false, end: () => undefined }
    case 'jsonl': {
      const add = (row: Prediction | Broken) => io.out(`${JSON.stringify(row)}\n`)
      return { add, fail: (broken) => (add(broken), true), end: () => undefined }
    }
    case 'json':
      return jsonArray((text) => io.out(text))
  }
}

/** One array, a row at a time; closed also where the work ends before its time. */
function jsonArray(out: (text: string) => void): Rows {
  let count = 0
  const add = (row: Prediction | Broken) => {
    const text = JSON.stringify(row, null, 2).replaceAll('\n', '\n  ')
    out(`${count++ === 0 ? '[' : ','}\n  ${text}`)
  }
  const end = () => out(count === 0 ? '[]\n' : '\n]\n')
  return {
    add,
    fail(broken) {
      if (count === 0) return false
      add(broken)
      end()
      return true
    },
    end,
  }
}

const columns = 'path score threshold anomalous pValue overlay mask map error code'.split(' ')

/** A line of RFC 4180. */
function csvOf(row: Prediction): string {
  const values = row as Readonly<Record<string, unknown>>
  const cell = (column: string) => csvField(String(values[column] ?? ''))
  return `${columns.map(cell).join(',')}\n`
}

/** A line of the table; the path comes last, so that lines can be printed as they are made. */
const line = (verdict: string, score: string, pValue: string, path: string): string =>
  `${verdict.padEnd(10)}${score.padStart(12)}${pValue.padStart(9)}  ${path}\n`

const lineOf = (p: Prediction): string =>
  'error' in p
    ? line('error', '–', '–', p.path)
    : line(p.anomalous ? 'ANOMALOUS' : 'good', p.score.toPrecision(6), p.pValue.toFixed(3), p.path)

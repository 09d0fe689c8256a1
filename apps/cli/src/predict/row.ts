import { messageOf } from '@cflow/base'
import type { Judged } from '@cflow/report'

/** What is reported of one image; `overlay` is the heat map over it, where one was written. */
export type Prediction =
  | Judged<{ readonly path: string; readonly overlay?: string }>
  | { readonly path: string; readonly error: string; readonly code?: string }

export const tableHead = `${'verdict'.padEnd(10)}${'score'.padStart(12)}${'p-value'.padStart(9)}  image\n`

/** A prediction as a line of the table; the path comes last, so that lines can be printed as they are made. */
export function tableRow(p: Prediction): string {
  if ('error' in p) return `${'error'.padEnd(10)}${'–'.padStart(12)}${'–'.padStart(9)}  ${p.path}\n`
  const verdict = p.anomalous ? 'ANOMALOUS' : 'good'
  return `${verdict.padEnd(10)}${p.score.toPrecision(6).padStart(12)}${p.pValue.toFixed(3).padStart(9)}  ${p.path}\n`
}

/** An image that could not be scored. */
export function failed(path: string, error: unknown): Prediction {
  const code = (error as { code?: unknown } | undefined)?.code
  return { path, error: messageOf(error), ...(typeof code === 'string' && { code }) }
}

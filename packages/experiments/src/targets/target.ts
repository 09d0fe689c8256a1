import type { Outcome } from '../conduct/run-trial.js'
import type { Laboratory } from '../laboratory.js'
import type { Selection } from '../selection.js'
import type { CaseOutcome } from '../statistic.js'
import type { Case } from '../selection.js'

export const targetNames = [
  'table1',
  'table2',
  'table3',
  'table4',
  'table5',
  'table6',
  'figure1',
  'figure3',
  'figure4',
  'methods',
] as const
export type TargetName = (typeof targetNames)[number]

/** A table or figure, written as `<name>.md`, `<name>.json` and its pictures. */
export interface Document {
  readonly title: string
  /** Markdown below the title. */
  readonly body: string
  /** Plain data for programs. */
  readonly data: unknown
  /** Files by the end of their name, such as `.svg`. */
  readonly pictures?: Readonly<Record<string, Uint8Array | string>>
  /** Whether anything was computed: false where all that it needs is missing. */
  readonly filled: boolean
}

/** What a target has when its trials are over. */
export interface Finished {
  readonly selection: Selection
  readonly laboratory: Laboratory
  /** Outcomes of the trials of a case, in the order of the seeds. */
  outcomes(one: Case): readonly Outcome[]
  caseOf(one: Case): CaseOutcome
}

/** One table or figure of the paper. */
export interface Target {
  readonly name: TargetName
  /** The trainings it shows; none for what is computed or measured otherwise. */
  cases(selection: Selection, laboratory: Laboratory): Promise<readonly Case[]>
  document(finished: Finished): Promise<Document>
}

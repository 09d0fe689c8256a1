import type { Laboratory } from '../laboratory.js'
import { paragraphs } from '../markdown.js'
import type { Result } from '../result.js'
import type { Case, Selection } from '../selection.js'
import type { CaseOutcome } from '../statistic.js'
import { conditions, type Notes } from './notes.js'

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

/** The trainings that a target shows, none for what is computed or measured otherwise, and what it makes of them. */
export interface Plan {
  readonly cases?: readonly Case[]
  document(outcomeOf: (one: Case) => CaseOutcome): Document | Promise<Document>
}

/** One table or figure of the paper. @throws CflowError for a selection that it cannot have */
export type Target = (selection: Selection, laboratory: Laboratory) => Plan | Promise<Plan>

/** A document of trainings: below it what is missing, and the conditions of what was run. */
export function trialDocument(
  { title, data }: Pick<Document, 'title' | 'data'>,
  parts: readonly (string | undefined | false)[],
  about: {
    readonly selection: Selection
    readonly notes: Notes
    readonly results: readonly Result[]
  },
): Document {
  const { selection, notes, results } = about
  const body = paragraphs(...parts, notes.text(), conditions(selection, results))
  return { title, body, data, filled: results.length > 0 }
}

import { didYouMean } from './nearest.js'

/** As much of an issue of zod as words for it need, so that this package does not depend on zod. */
export interface SchemaIssue {
  readonly code?: string | undefined
  readonly message: string
  readonly path: readonly PropertyKey[]
  readonly expected?: string
  readonly origin?: string
  readonly minimum?: number | bigint
  readonly maximum?: number | bigint
  readonly inclusive?: boolean
  readonly values?: readonly unknown[]
  readonly keys?: readonly string[]
  readonly errors?: readonly (readonly SchemaIssue[])[]
}

/** Numbers that a field takes; bounds where it has both, and they belong to it. */
export interface FieldRange {
  readonly minimum?: number
  readonly maximum?: number
  readonly integer?: boolean
}

/**
 * What is wrong with a value: `--input-size needs a whole number from 32 to 4096, got 3`. A message that a schema gives
 * itself stays: `--mean: three numbers`.
 * @param name of the value, as people know it
 * @param value what was given, undefined where nothing was
 * @param range what is known of the field
 */
export function issueText(
  name: string,
  issue: SchemaIssue,
  value?: unknown,
  range: FieldRange = {},
): string {
  const wanted = ofZod.test(issue.message) ? wantedOf(issue, range) : undefined
  if (wanted === undefined) return `${name}: ${issue.message}`
  if (value === undefined) return `${name} is missing: it ${wanted}`
  const hint = typeof value === 'string' ? didYouMean(value, choices(issue)).trim() : ''
  return `${name} ${wanted}, got ${shown(value)}${hint && `; ${hint}`}`
}

/** How zod's own messages begin; others are a schema's. */
const ofZod = /^(Invalid|Too (small|big)|Unrecognized)/

const choices = ({ values = [] }: SchemaIssue): readonly string[] => values.map(String)

function wantedOf(issue: SchemaIssue, range: FieldRange): string | undefined {
  const { code, expected = '', errors } = issue
  switch (code) {
    case 'invalid_type':
      return expected === 'number' || expected === 'int'
        ? `needs ${numberText(expected === 'int', range)}${between({ ...issue, ...range })}`
        : `needs ${types[expected] ?? expected}`
    case 'invalid_value':
      return `is one of ${choices(issue).join(', ')}`
    case 'too_small':
    case 'too_big':
      return sizeText(issue, range)
    case 'not_multiple_of':
      return 'needs a whole number'
    case 'invalid_union': {
      const all = (errors ?? []).flatMap((e) => e.flatMap((own) => own.values ?? []))
      return all.length > 0
        ? `is one of ${all.map(String).join(', ')}`
        : 'has no form that is known'
    }
    default:
      return undefined
  }
}

const types: Readonly<Record<string, string>> = {
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'settings by name',
}

const numberText = (isInteger: boolean, { integer = isInteger }: FieldRange): string =>
  integer ? 'a whole number' : 'a number'

function sizeText(issue: SchemaIssue, range: FieldRange): string {
  const { origin, minimum, maximum } = issue
  if (origin === 'string') return minimum === 1 ? 'is empty' : 'has a text of another length'
  if (origin !== 'array')
    return `needs ${numberText(origin === 'int', range)}${between({ ...issue, ...range })}`
  return minimum !== undefined
    ? `needs ${minimum} or more entries`
    : `has ${maximum} entries at most`
}

function between({ minimum, maximum, inclusive = true }: Partial<SchemaIssue>): string {
  if (minimum !== undefined && maximum !== undefined) return ` from ${minimum} to ${maximum}`
  if (minimum !== undefined) return inclusive ? ` of at least ${minimum}` : ` above ${minimum}`
  if (maximum !== undefined) return inclusive ? ` of at most ${maximum}` : ` below ${maximum}`
  return ''
}

const shown = (value: unknown): string =>
  typeof value === 'string' ? `'${value}'` : (JSON.stringify(value) ?? String(value))

import { CflowError, issueText, type SchemaIssue } from '@cflow/base'
import type * as z from 'zod'
import { kebab, settingsOf, type Setting } from './settings.js'

type Values = Readonly<Record<string, unknown>>

/** A mistake in a flag or argument. */
export const usage = (subject: string, message: string, hint?: string): CflowError =>
  new CflowError('USAGE', message, { subject, ...(hint && { hint }) })

/**
 * The settings of a schema: flags, then the configuration file for what no flag says. What is no setting of the schema is
 * passed over. A list may be given as text with commas, and the opposite of a switch by its own name.
 * @param flags values by key
 * @throws CflowError USAGE that names the flag at fault, CONFIG that names the key of the file
 */
export function parseSettings<S extends z.ZodObject>(
  schema: S,
  flags: Values,
  file?: { readonly path: string; readonly values: Values },
): z.infer<S> {
  const settings = settingsOf(schema)
  const merged = { ...normal(settings, file?.values ?? {}), ...normal(settings, flags) }
  const parsed = schema.safeParse(merged)
  if (parsed.success) return parsed.data
  const [issue] = parsed.error.issues
  const key = String(issue?.path[0] ?? '')
  const { error, range } = settings.find((s) => s.key === key) ?? {}
  const value = merged[key]
  const problem = (name: string): string =>
    error ? `${name} ${error}, got '${String(value)}'` : issueText(name, issue as SchemaIssue, value, range) // prettier-ignore
  if (file && !(key in flags))
    throw new CflowError('CONFIG', problem(`${key} in ${file.path}`), { subject: key })
  throw usage(`--${kebab(key)}`, problem(`--${kebab(key)}`))
}

/** Lists as lists, and `unconditional` as `conditional: false`. */
function normal(settings: readonly Setting[], given: Values): Values {
  const values = new Map(Object.entries(given).filter(([, value]) => value !== undefined))
  for (const { key, kind, negates } of settings) {
    const value = values.get(key)
    if (value === undefined) continue
    if (kind === 'numbers' || kind === 'texts') values.set(key, listOf(kind, value))
    if (negates === undefined) continue
    if (typeof value !== 'boolean')
      throw new CflowError('CONFIG', `${key} is true or false`, { subject: key })
    if (values.get(negates) === value)
      throw new CflowError('USAGE', `${negates} and ${key} exclude each other`, { subject: key })
    values.set(negates, !value)
  }
  return Object.fromEntries(values)
}

function listOf(kind: 'numbers' | 'texts', value: unknown): readonly unknown[] {
  const items: unknown[] = typeof value === 'string' ? value.split(',') : [value].flat()
  const itemOf = (item: unknown) => {
    if (typeof item === 'string') return kind === 'texts' ? item.trim() : numberOf(item.trim())
    return typeof item === 'number' && kind === 'texts' ? String(item) : item
  }
  return items.map(itemOf).filter((item) => item !== '')
}

/** A text as a number, or as it is where it is none. */
export function numberOf(text: string): number | string {
  const value = text.trim() === '' ? NaN : Number(text)
  return Number.isFinite(value) ? value : text
}

import { CflowError } from '@cflow/base'
import type * as z from 'zod'
import type { Session } from '../io.js'
import { readConfigFile } from './config-file.js'
import { kebab } from './table.js'

type Schema = z.ZodType<{ json?: boolean | undefined; quiet?: boolean | undefined }>

/**
 * The settings of a command: flags, then the configuration file for what no flag says. Keys of other commands in the
 * file are passed over.
 * @throws CflowError USAGE or CONFIG that names the setting at fault
 */
export async function resolveSettings<T extends Schema>(
  session: Session,
  flags: object,
  schema: T,
): Promise<z.infer<T>> {
  const { config, ...given } = flags as Record<string, unknown> & { config?: string }
  const file = config === undefined ? {} : await readConfigFile(config)
  const merged = { ...normal(file), ...normal(given) }
  const parsed = schema.safeParse(merged)
  if (!parsed.success) throw invalid(parsed.error.issues[0]!, given, config)
  session.json ||= parsed.data.json ?? false
  session.quiet ||= parsed.data.quiet ?? false
  return parsed.data
}

/** `unconditional` is another way to say `conditional: false`. */
function normal(settings: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const { unconditional, ...rest } = settings
  if (unconditional === undefined) return rest
  if (typeof unconditional !== 'boolean')
    throw new CflowError('CONFIG', 'unconditional is true or false', { subject: 'unconditional' })
  if (rest['conditional'] === unconditional)
    throw new CflowError('USAGE', 'conditional and unconditional exclude each other', {
      subject: 'unconditional',
    })
  return { ...rest, conditional: !unconditional }
}

function invalid(
  issue: z.core.$ZodIssue,
  given: Readonly<Record<string, unknown>>,
  file: string | undefined,
): CflowError {
  const key = String(issue.path[0] ?? '')
  if (key in given || file === undefined)
    return new CflowError('USAGE', `--${kebab(key)}: ${issue.message}`, {
      subject: `--${kebab(key)}`,
    })
  return new CflowError('CONFIG', `${key} in ${file}: ${issue.message}`, { subject: key })
}

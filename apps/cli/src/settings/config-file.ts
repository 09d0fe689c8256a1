import { CflowError, messageOf } from '@cflow/base'
import { readFile } from 'node:fs/promises'
import { parse } from 'yaml'
import { allKeys, camel } from './table.js'

/** More than this is no list of settings. */
const maxBytes = 1 << 20

/**
 * The settings in a YAML or JSON file, by key in camel case. Keys may be written in camel or kebab case; an empty value
 * counts as absent.
 * @throws CflowError NOT_FOUND, IO, or CONFIG that names every unknown key
 */
export async function readConfigFile(path: string): Promise<Record<string, unknown>> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw unreadable(path, cause)
  })
  if (bytes.length > maxBytes)
    throw new CflowError('CONFIG', `${path} is larger than 1 MiB`, { subject: path })
  const content = parsed(path, bytes.toString('utf8'))
  if (content === null || content === undefined) return {}
  if (typeof content !== 'object' || Array.isArray(content))
    throw new CflowError('CONFIG', `${path} holds no settings`, {
      subject: path,
      hint: 'Write one setting a line, such as `passes: 8`.',
    })
  const entries = Object.entries(content).filter(([, value]) => value !== null)
  const unknown = entries.map(([key]) => key).filter((key) => !allKeys.includes(camel(key)))
  if (unknown.length > 0)
    throw new CflowError(
      'CONFIG',
      `${path} has ${unknown.length === 1 ? 'an unknown key' : 'unknown keys'}: ${unknown.join(', ')}`,
      { subject: path, hint: `Known keys: ${allKeys.join(', ')}.` },
    )
  return settingsOf(path, entries)
}

function settingsOf(path: string, entries: readonly [string, unknown][]): Record<string, unknown> {
  const settings: Record<string, unknown> = {}
  for (const [key, value] of entries) {
    if (camel(key) in settings)
      throw new CflowError('CONFIG', `${path} sets ${camel(key)} twice`, { subject: path })
    settings[camel(key)] = value
  }
  return settings
}

function parsed(path: string, text: string): unknown {
  try {
    return parse(text, { maxAliasCount: 0, logLevel: 'error' }) as unknown
  } catch (cause) {
    throw new CflowError('CONFIG', `${path} is neither YAML nor JSON: ${messageOf(cause)}`, {
      subject: path,
      cause,
    })
  }
}

function unreadable(path: string, cause: unknown): CflowError {
  const code = (cause as NodeJS.ErrnoException).code
  if (code === 'ENOENT' || code === 'ENOTDIR')
    return new CflowError('NOT_FOUND', `there is no configuration file ${path}`, { subject: path })
  if (code === 'EISDIR')
    return new CflowError('CONFIG', `${path} is a folder, not a configuration file`, {
      subject: path,
    })
  return new CflowError('IO', `cannot read ${path}: ${messageOf(cause)}`, { subject: path, cause })
}

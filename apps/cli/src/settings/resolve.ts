import { CflowError, messageOf, nearest } from '@cflow/base'
import { fileSize } from '@cflow/base/node'
import { readFile } from 'node:fs/promises'
import { dirname, isAbsolute, join } from 'node:path'
import { parse } from 'yaml'
import type * as z from 'zod'
import type { Session } from '../io.js'
import { parseSettings } from './parse.js'
import { camel, kebab, settingsOf, type Setting } from './settings.js'

/** More than this is no list of settings. */
const maxBytes = 1 << 20

/** Settings, and what a setting is called where it was given: its flag, or its key in the file. */
interface Resolved<S extends z.ZodObject> {
  readonly settings: z.infer<S>
  nameOf(key: string): string
}

/**
 * The settings of a command: flags, then the file that `config` among them names. One file may serve all commands.
 * @param all settings of all commands, asked for when the file has a key that this command does not know
 * @throws CflowError NOT_FOUND or IO for the file; USAGE or CONFIG that names the setting at fault
 */
export async function resolveSettings<S extends z.ZodObject>(
  session: Session,
  flags: Readonly<Record<string, unknown>>,
  schema: S,
  all: () => Promise<readonly { readonly settings: z.ZodObject }[]>,
): Promise<Resolved<S>> {
  const path = flags['config'] as string | undefined
  const entries = path === undefined ? [] : await readConfigFile(path)
  const foreignTo = (known: readonly string[]) =>
    entries.map(([key]) => key).filter((key) => !known.includes(camel(key)))
  if (path !== undefined && foreignTo(keysOf([schema])).length > 0) {
    const known = keysOf((await all()).map(({ settings }) => settings))
    const unknown = foreignTo(known)
    const what = unknown.length === 1 ? 'an unknown key' : 'unknown keys'
    const near = unknown.flatMap((key) => {
      const found = nearest(key, keysOf([schema])) ?? nearest(key, known)
      return found === undefined ? [] : [unknown.length === 1 ? found : `${found} for ${key}`]
    })
    const meant = near.length > 0 ? `Did you mean ${near.join(', ')}? ` : ''
    const hint = `${meant}Known keys: ${known.join(', ')}.`
    if (unknown.length > 0) throw refusal(path, `has ${what}: ${unknown.join(', ')}`, { hint })
  }
  const values: Record<string, unknown> = {}
  for (const [key, value] of entries) {
    if (camel(key) in values) throw refusal(path!, `sets ${camel(key)} twice`)
    values[camel(key)] = value
  }
  if (path !== undefined) beside(dirname(path), values, settingsOf(schema))
  const settings = parseSettings(schema, flags, path === undefined ? undefined : { path, values })
  session.json ||= settings['json'] === true
  session.quiet ||= settings['quiet'] === true
  const nameOf = (key: string) =>
    key in flags || !(key in values) ? `--${kebab(key)}` : `${key} in ${path}`
  return { settings, nameOf }
}

/** Relative paths in a configuration file are relative to the file, in place. */
function beside(
  folder: string,
  values: Record<string, unknown>,
  settings: readonly Setting[],
): void {
  for (const { key, placeholder } of settings) {
    const value = values[key]
    if (typeof value !== 'string' || isAbsolute(value)) continue
    const isPath = placeholder === 'DIR' || placeholder === 'FILE'
    // an encoder is a name or a file, a program may be one on the path
    const isName =
      key === 'encoder' ? !/\.onnx$/i.test(value) : key === 'ffmpeg' && !/[/\\]/.test(value)
    if ((isPath || key === 'encoder') && !isName) values[key] = join(folder, value)
  }
}

/** Keys that a configuration file may have. */
const keysOf = (schemas: readonly z.ZodObject[]): readonly string[] => {
  const keys = schemas.flatMap((schema) => settingsOf(schema).map(({ key }) => key))
  return [...new Set(keys)].filter((key) => key !== 'config')
}

const refusal = (path: string, message: string, options: { hint?: string; cause?: unknown } = {}) =>
  new CflowError('CONFIG', `${path} ${message}`, { subject: path, ...options })

/** What a YAML or JSON file says, by key as it is written there. An empty value counts as absent. */
async function readConfigFile(path: string): Promise<readonly (readonly [string, unknown])[]> {
  // a pipe of the shell, `--config <(…)`, ends
  if (!/^\/dev\/(fd\/\d+|stdin)$/.test(path))
    await fileSize(path, { code: 'CONFIG', what: 'a configuration file' })
  const bytes = await readFile(path).catch((cause: NodeJS.ErrnoException) => {
    throw new CflowError('IO', `cannot read ${path}: ${cause.message}`, { subject: path, cause })
  })
  if (bytes.length > maxBytes) throw refusal(path, 'is larger than 1 MiB')
  let content: unknown
  try {
    content = parse(bytes.toString('utf8'), { maxAliasCount: 0, logLevel: 'error' }) ?? {}
  } catch (cause) {
    throw refusal(path, `is neither YAML nor JSON: ${messageOf(cause)}`, { cause })
  }
  if (typeof content !== 'object' || content === null || Array.isArray(content))
    throw refusal(path, 'holds no settings', {
      hint: 'Write one setting a line, such as `passes: 8`.',
    })
  return Object.entries(content).filter(([, value]) => value !== null)
}

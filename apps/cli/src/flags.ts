import { CflowError } from '@cflow/base'
import { Option, type Command as Added } from 'commander'
import type { Command } from './command.js'
import { allSettings } from './commands.js'
import type { Session } from './io.js'
import { numberOf } from './settings/parse.js'
import { resolveSettings } from './settings/resolve.js'
import { settingsOf, type Setting } from './settings/settings.js'

/** Give a command its flags, the help of its arguments, and what it does. */
export function addFlags(added: Added, command: Command, session: Session): void {
  for (const argument of added.registeredArguments)
    argument.description = command.arguments?.[argument.name()] ?? ''
  for (const setting of settingsOf(command.settings)) added.addOption(optionOf(setting))
  added.action(async (...args: unknown[]) => {
    const { settings, nameOf } = await resolveSettings(session, added.opts(), command.settings, allSettings) // prettier-ignore
    const keys = settingsOf(command.settings).map(({ key }) => key)
    await command
      .run(session, settings, ...(args.slice(0, -2) as never[]))
      .catch((error: unknown) => {
        throw inWords(error, keys, nameOf)
      })
  })
}

/** An error about a setting (its subject the key) names what the user wrote: the flag, or the key in a file. */
function inWords(
  error: unknown,
  keys: readonly string[],
  nameOf: (key: string) => string,
): unknown {
  if (!(error instanceof CflowError) || !['CONFIG', 'USAGE'].includes(error.code)) return error
  const { subject, message, hint } = error
  if (subject === undefined || !keys.includes(subject)) return error
  const name = nameOf(subject)
  const options = { subject: name, cause: error, ...(hint !== undefined && { hint }) }
  const begins = message.startsWith(`${subject} `) || message.startsWith(`${subject}:`)
  const text = begins ? `${name}${message.slice(subject.length)}` : message
  return new CflowError('USAGE', text, options)
}

/** Nothing has a default here: what is not said is decided after the configuration file. */
function optionOf({ flag, placeholder, kind, group, help, otherwise }: Setting): Option {
  const text = otherwise === undefined ? help : `${help} (${otherwise})`
  // a value in brackets may be left out
  const value = placeholder?.startsWith('[') ? placeholder : `<${placeholder}>`
  const option = new Option(placeholder ? `${flag} ${value}` : flag, text)
  if (kind === 'number') option.argParser(numberOf)
  return option.helpGroup(`${group[0]!.toUpperCase()}${group.slice(1)}:`)
}

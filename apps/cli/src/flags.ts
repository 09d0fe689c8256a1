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
    const settings = await resolveSettings(session, added.opts(), command.settings, allSettings)
    await command.run(session, settings, ...(args.slice(0, -2) as never[]))
  })
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

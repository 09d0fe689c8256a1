import { CflowError } from '@cflow/base'
import { Option } from 'commander'
import type { Command } from 'commander'
import { kebab } from './table.js'
import type { Setting } from './table.js'

/** Give a command its flags. Nothing has a default here: what is not said is decided after the configuration file. */
export function addSettings(command: Command, settings: readonly Setting[]): Command {
  for (const { key, value, number, help } of settings) {
    const flag = `--${kebab(key)}`
    const option = new Option(value === undefined ? flag : `${flag} <${value}>`, help)
    if (number) option.argParser((text) => numberOf(text, flag))
    command.addOption(option)
  }
  return command
}

function numberOf(text: string, flag: string): number {
  const value = text.trim() === '' ? NaN : Number(text)
  if (!Number.isFinite(value))
    throw new CflowError('USAGE', `${flag} needs a number, got '${text}'`, { subject: flag })
  return value
}

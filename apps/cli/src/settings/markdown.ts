import type * as z from 'zod'
import { settingsOf } from './settings.js'

/** The settings of commands as Markdown: a table for each group, a row for each setting with the commands that have it. */
export function settingsMarkdown(
  commands: readonly { readonly name: string; readonly settings: z.ZodObject }[],
): string {
  const groups: Record<string, Record<string, string[]>> = {}
  for (const { name, settings } of commands)
    for (const { flag, placeholder, help, group, otherwise = '' } of settingsOf(settings)) {
      const value = placeholder ? ` ${placeholder}` : ''
      const cells = [`\`${flag}${value}\``, help, otherwise].map((c) => c.replaceAll('|', '\\|'))
      ;((groups[group] ??= {})[`| ${cells.join(' | ')} |`] ??= []).push(`\`${name}\``)
    }
  return Object.entries(groups)
    .map(([group, rows]) => {
      const lines = Object.entries(rows).map(([row, owners]) => `${row} ${owners.join(', ')} |\n`)
      return `### ${group}\n\n| Flag | | Default | Commands |\n|---|---|---|---|\n${lines.join('')}`
    })
    .join('\n')
}

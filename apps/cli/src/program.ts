import { Command, Option } from 'commander'
import { readFileSync } from 'node:fs'
import { allSettings, commands, nameOf } from './commands.js'
import type { Session } from './io.js'
import { numberOf } from './settings/parse.js'
import { resolveSettings } from './settings/resolve.js'
import { settingsOf, type Setting } from './settings/settings.js'

/** The command line; of the command that `argv` calls the module is loaded, for its settings. */
export async function program(session: Session, argv: readonly string[]): Promise<Command> {
  const root = new Command('cflow')
    .description('Visual anomaly detection that learns from good images only (CFLOW-AD).')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .option('--debug', 'print stack traces with errors (also CFLOW_DEBUG=1)')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', examples)
  const words = argv.filter((word) => !word.startsWith('-') && word !== 'help')
  const all = [root]
  for (const [usage, { description, load }] of Object.entries(commands)) {
    const [first = '', ...rest] = usage.split(' ')
    const group = root.commands.find((c) => c.name() === first)
    const added = (group ?? root).command(group ? rest.join(' ') : usage).description(description)
    all.push(added)
    if (!load) continue
    added.option('--debug', 'print stack traces with errors')
    if (!`${words.join(' ')} `.startsWith(`${nameOf(usage)} `)) continue
    const { command } = await load()
    for (const argument of added.registeredArguments)
      argument.description = command.arguments?.[argument.name()] ?? ''
    for (const setting of settingsOf(command.settings)) added.addOption(optionOf(setting))
    added.action(async (...args: unknown[]) => {
      const settings = await resolveSettings(session, added.opts(), command.settings, allSettings)
      await command.run(session, settings, ...(args.slice(0, -2) as never[]))
    })
  }
  for (const c of all)
    c.exitOverride().configureOutput({
      writeOut: (text) => session.io.out(text),
      writeErr: (text) => session.io.err(text),
      outputError: () => undefined, // `failure` prints it
    })
  return root
}

/** Nothing has a default here: what is not said is decided after the configuration file. */
function optionOf({ flag, placeholder, kind, group, help, otherwise }: Setting): Option {
  const text = otherwise === undefined ? help : `${help} (${otherwise})`
  const option = new Option(placeholder ? `${flag} <${placeholder}>` : flag, text)
  if (kind === 'number') option.argParser(numberOf)
  return option.helpGroup(`${group[0]!.toUpperCase()}${group.slice(1)}:`)
}

const examples = `
Examples:
  cflow train --root photos/good --out runs/first
  cflow train --dataset mvtec --root mvtec --category transistor --out runs/transistor
  cflow evaluate runs/first/model.onnx --root photos --out runs/check
  cflow predict runs/first/model.onnx new-photos/ --out overlays
  cflow export runs/first/model.onnx --precision int8 --calibration photos/good
  cflow benchmark runs/first/model.onnx --images photos/good
  cflow encoders pull resnet18`

function version(): string {
  const text = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(text) as { version: string }).version
}

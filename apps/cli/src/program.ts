import { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { commands, nameOf } from './commands.js'
import type { Session } from './io.js'

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
    const [{ command }, { addFlags }] = await Promise.all([load(), import('./flags.js')])
    addFlags(added, command, session)
  }
  for (const c of all)
    c.exitOverride().configureOutput({
      writeOut: (text) => session.io.out(text),
      writeErr: (text) => session.io.err(text),
      outputError: () => undefined, // `failure` prints it
    })
  return root
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

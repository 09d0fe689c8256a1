import { Command } from 'commander'
import { readFileSync } from 'node:fs'
import { addEncoders } from './encoders/commands.js'
import { addSettings } from './settings/flags.js'
import {
  benchmarkSettings,
  evaluateSettings,
  exportSettings,
  importSettings,
  predictSettings,
  reproduceSettings,
  trainSettings,
} from './settings/table.js'
import type { Session } from './io.js'

/** The command line. What a command needs is imported when it runs, so that help is quick. */
export function program(session: Session): Command {
  const root = new Command('cflow')
    .description('Visual anomaly detection that learns from good images only (CFLOW-AD).')
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .option('--debug', 'print stack traces with errors (also CFLOW_DEBUG=1)')
    .showSuggestionAfterError()
    .configureHelp({ showGlobalOptions: false })
    .addHelpText('after', examples)
  const command = (name: string): Command =>
    root.command(name).option('--debug', 'print stack traces with errors')

  addSettings(command('train'), trainSettings)
    .description('Train a detector on good images; evaluate it where there are test images.')
    .action(async (flags: object) => {
      const { train } = await import('./commands/train.js')
      await train(session, flags)
    })
  addSettings(command('evaluate'), evaluateSettings)
    .description('Measure a detector on labelled images.')
    .argument('<model>', 'detector file (model.onnx)')
    .action(async (model: string, flags: object) => {
      const { evaluateModel } = await import('./commands/evaluate.js')
      await evaluateModel(session, model, flags)
    })
  addSettings(command('predict'), predictSettings)
    .description('Score images: files, folders and globs.')
    .argument('<model>', 'detector file (model.onnx)')
    .argument('<paths...>', 'images, folders of images, or globs')
    .action(async (model: string, paths: string[], flags: object) => {
      const { predict } = await import('./commands/predict.js')
      await predict(session, model, paths, flags)
    })
  addSettings(command('export'), exportSettings)
    .description('Make a detector file smaller and faster, if it stays as accurate.')
    .argument('<model>', 'detector file (model.onnx)')
    .action(async (model: string, flags: object) => {
      const { exportModel } = await import('./commands/export.js')
      await exportModel(session, model, flags)
    })
  addSettings(command('benchmark'), benchmarkSettings)
    .description('Measure a detector file: latency, throughput, memory, time of each stage.')
    .argument('<model>', 'detector file (model.onnx)')
    .action(async (model: string, flags: object) => {
      const { benchmarkModel } = await import('./commands/benchmark.js')
      await benchmarkModel(session, model, flags)
    })
  addSettings(command('import'), importSettings)
    .description(
      'Make a detector of a checkpoint of the authors’ code, with good images to calibrate.',
    )
    .argument('<checkpoint>', 'checkpoint (.pt) with decoders, and perhaps the encoder')
    .action(async (checkpoint: string, flags: object) => {
      const { importCheckpoint } = await import('./commands/import.js')
      await importCheckpoint(session, checkpoint, flags)
    })
  addSettings(command('reproduce'), reproduceSettings)
    .description('Compute the paper’s tables and figures again, beside the published figures.')
    .argument('<what...>', 'table1 … table6, figure1, figure3, figure4, methods, or all')
    .action(async (what: string[], flags: object) => {
      const { reproducePaper } = await import('./commands/reproduce.js')
      await reproducePaper(session, what, flags)
    })
  addEncoders(root, session)
  for (const c of withSubcommands(root))
    c.exitOverride().configureOutput({
      writeOut: (text) => session.io.out(text),
      writeErr: (text) => session.io.err(text),
      outputError: () => undefined, // `failure` prints it
    })
  return root
}

const withSubcommands = (command: Command): Command[] => [
  command,
  ...command.commands.flatMap(withSubcommands),
]

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

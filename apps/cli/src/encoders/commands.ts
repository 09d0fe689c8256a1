import { CflowError } from '@cflow/base'
import { Option } from 'commander'
import type { Command } from 'commander'
import type { Session } from '../io.js'

/** Add `cflow encoders list | pull | import | taps`. */
export function addEncoders(root: Command, session: Session): void {
  const encoders = root
    .command('encoders')
    .description('List feature extractors, and fetch or import their weights.')
  const command = (name: string): Command =>
    encoders
      .command(name)
      .option('--json', 'print one JSON document to standard output')
      .option('--quiet', 'no progress')
      .option('--debug', 'print stack traces with errors')

  command('list')
    .description('Every encoder, its taps, and whether its weights are on this machine.')
    .action(async () => {
      const { list } = await import('./list.js')
      await list(session)
    })
  command('pull')
    .description('Download the published weights of an encoder; goes on where it stopped.')
    .argument('<name>', 'encoder, such as resnet18')
    .option('--from <URL>', 'another address of the file')
    .option('--sha256 <HEX>', 'SHA-256 of the file at --from, or its start, where it is another')
    .action(async (name: string, flags: { from?: string; sha256?: string }) => {
      const { pull } = await import('./pull.js')
      await pull(session, name, flags)
    })
  command('import')
    .description('Take the weights of an encoder from a .pth or .safetensors file.')
    .argument('<name>', 'encoder, such as resnet18')
    .argument('<file>', 'weight file')
    .action(async (name: string, file: string) => {
      const { importFile } = await import('./import.js')
      await importFile(session, name, file)
    })
  command('taps')
    .description('Values of an ONNX image model that `train --encoder FILE --taps …` could use.')
    .argument('<file>', 'ONNX file')
    .addOption(count('--input-size <PIXELS>', 'size of the images (the file’s, or 256)', 32))
    .addOption(count('--prefix-tokens <N>', 'class and register tokens of a transformer', 0))
    .action(async (file: string, flags: { inputSize?: number; prefixTokens?: number }) => {
      const { listTaps } = await import('./taps.js')
      await listTaps(session, file, flags)
    })
}

/** An option with a whole number from `least` on. */
function count(flags: string, help: string, least: number): Option {
  return new Option(flags, help).argParser((text) => {
    const value = Number(text)
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= 4096)
      return value
    const [flag = flags] = flags.split(' ')
    throw new CflowError(
      'USAGE',
      `${flag} needs a whole number from ${least} to 4096, got '${text}'`,
      {
        subject: flag,
      },
    )
  })
}

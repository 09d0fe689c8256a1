import type { Command } from 'commander'
import type { Session } from '../io.js'

/** Add `cflow encoders list | pull | import`. */
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
}

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writePng } from '../../packages/datasets/src/node.js'
import { cli, root } from '../child.js'
import { median } from '../measure.js'
import type { BenchOptions } from '../options.js'
import type { Table } from '../table.js'

const built = join(root, 'apps/cli/dist/main.js')
const sources = ['--conditions=@cflow/source', '--import', 'tsx', join(root, cli)]

/** Start-up of `cflow predict`: what passes before it loads the model. */
export async function startup(options: BenchOptions): Promise<Table> {
  const folder = mkdtempSync(join(tmpdir(), 'cflow-startup-'))
  const [image, model] = [join(folder, 'image.png'), join(folder, 'model.onnx')]
  await writePng(image, { width: 8, height: 8, data: new Uint8Array(8 * 8 * 3).fill(128) })
  // everything is loaded and the model file is opened; that it is none ends the command
  writeFileSync(model, '')
  const seconds = (args: readonly string[], status: number) =>
    median(
      Array.from({ length: Math.max(options.rounds, 5) }, () => {
        const began = performance.now()
        const done = spawnSync(process.execPath, args, { encoding: 'utf8' })
        if (done.status !== status) throw new Error(`${args.join(' ')}: ${done.stderr}`)
        return (performance.now() - began) / 1000
      }),
    )
  try {
    const predict = ['predict', model, image]
    return {
      title: 'Start-up of the command, seconds',
      columns: ['program', 'seconds'],
      rows: [
        ['Node alone', seconds(['-e', ''], 0)],
        ...(existsSync(built)
          ? [
              ['cflow --help, built', seconds([built, '--help'], 0)],
              ['cflow predict up to the model, built', seconds([built, ...predict], 2)],
            ]
          : []),
        ['cflow predict up to the model, from the sources', seconds([...sources, ...predict], 2)],
      ],
      ...(!existsSync(built) && { note: 'The built command was not there: npx nx build cli.' }),
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

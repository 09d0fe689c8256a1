// nx run trainer:train -- ARGS: cflow train, from source; without arguments it trains on the built-in images.
import { join } from 'node:path'
import { root, run } from './workspace.mjs'

const given = process.argv.slice(2)
const args =
  given.length > 0 ? given : ['--dataset', 'synthetic', '--category', 'mesh', '--overwrite']
const main = join(root, 'apps', 'cli', 'src', 'main.ts')
run(process.execPath, ['--conditions=@cflow/source', '--import', 'tsx', main, 'train', ...args])

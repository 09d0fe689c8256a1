// What the pages’ `cflow` and `npm` are while tests run them: the command from its source, with trainings that take seconds; an
// installation whose packages are checked and not installed.
import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const workspace = fileURLToPath(new URL('../..', import.meta.url))
const [, , named, ...given] = process.argv
// in the workspace the command is a script of npm
const isScript = named === 'npm' && given[0] === 'run'
const [script, ...rest] = isScript ? given.slice(1).filter((arg) => arg !== '--silent') : []
const [program, args] = script === 'cflow' ? ['cflow', rest.slice(1)] : [named, given]

const valueOf = (flag) => args[args.indexOf(flag) + 1]
const quick = {
  train: () => [
    ...(args.includes('--config') ? [] : ['--input-size', '64']),
    ...['--folds', '0'],
    ...(args.includes('--method') || args.includes('--config')
      ? []
      : '--passes 1 --pool-layers 1 --neighbourhoods 1 --coupling-layers 1 --remembered 100'.split(
          ' ',
        )),
    ...(valueOf('--dataset') === 'synthetic' ? ['--train-images', '12', '--test-images', '6'] : []),
  ],
  // what is said is not tuned: few candidates are left
  tune: () =>
    '--input-size 64 --passes 1 --pool-layers 1 --coupling-layers 1 --neighbourhoods 1 --remembered 0 --aggregation joint'.split(
      ' ',
    ),
  inspect: () => (args.includes('--suspicious') ? ['--input-size', '64'] : []),
  serve: () => ['--port', process.env.DOCS_PORT, '--no-example'],
}

if (program === 'cflow') {
  const main = join(workspace, 'apps/cli/src/main.ts')
  process.argv = [process.argv[0], main, ...args, ...(quick[args[0]]?.() ?? [])]
  await import(main)
} else if (isScript) {
  // other scripts are there
  const { scripts } = JSON.parse(readFileSync(join(workspace, 'package.json'), 'utf8'))
  if (!(script in scripts)) throw new Error(`there is no script ${script}`)
} else {
  // npm: what is named must be there to install
  const ours = readdirSync(join(workspace, 'packages')).map((name) => `@cflow/${name}`)
  const known = [...ours, '@cflow/cli', '@cflow/server']
  const catalog = readFileSync(join(workspace, 'pnpm-workspace.yaml'), 'utf8')
  const names = args.slice(1).filter((arg) => !arg.startsWith('-') && !/\.tgz$/.test(arg))
  for (const name of names)
    if (!known.includes(name) && !new RegExp(`^  '?${name}'?: `, 'm').test(catalog)) {
      console.error(`${name} is no package of this workspace, and none that it is tested with`)
      process.exit(1)
    }
}

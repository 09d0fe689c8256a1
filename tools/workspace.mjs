// What the workspace's scripts share: the pinned pnpm, and commands that stop the script when they fail.
import { spawnSync } from 'node:child_process'
import { closeSync, openSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)

/** Run a command with its output shown. @returns its exit code; ends the process with it unless `check` is false */
export function run(command, args, { check = true } = {}) {
  console.log(`\n> ${command === process.execPath ? 'node' : command} ${args.join(' ')}`)
  const result = spawnSync(command, args, {
    stdio: 'inherit',
    // npx is a script on Windows, and scripts need a shell there
    shell: process.platform === 'win32' && command !== process.execPath,
    env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false' },
  })
  const code = result.status ?? 1
  if (check && code !== 0) process.exit(code)
  return code
}

/**
 * Run a command with its output in a file, without colours.
 * @returns its exit code
 */
export function logged(command, args, path) {
  const file = openSync(path, 'w')
  const env = { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', NO_COLOR: '1' }
  delete env.FORCE_COLOR
  const { status } = spawnSync(command, args, {
    stdio: ['ignore', file, file],
    shell: process.platform === 'win32',
    env,
  })
  closeSync(file)
  // some print colours all the same
  writeFileSync(path, stripVTControlCharacters(readFileSync(path, 'utf8')))
  return status ?? 1
}

/** Install with the pnpm version that package.json pins (corepack fails on a signature check with Node 20). */
export function install() {
  if (isInstalled()) return
  const { packageManager } = JSON.parse(read('package.json'))
  run('npx', ['--yes', packageManager, 'install', '--frozen-lockfile'])
}

/** Whether node_modules is what the lock file asks for: pnpm leaves a copy of it there. */
function isInstalled() {
  try {
    return read('node_modules/.pnpm/lock.yaml') === read('pnpm-lock.yaml')
  } catch {
    return false
  }
}

const read = (path) => readFileSync(join(root, path), 'utf8')

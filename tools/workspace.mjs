// What the workspace's scripts share: the pinned pnpm, and commands that stop the script when they fail.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
process.chdir(root)

/** Run a command with its output shown. @returns its exit code; ends the process with it unless `check` is false */
export function run(command, args, { check = true } = {}) {
  console.log(`\n> ${command} ${args.join(' ')}`)
  const result = spawnSync(command, args, {
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: { ...process.env, NX_DAEMON: 'false' },
  })
  const code = result.status ?? 1
  if (check && code !== 0) process.exit(code)
  return code
}

/** Install with the pnpm version that package.json pins (corepack fails on a signature check with Node 20). */
export function install() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  run('npx', ['--yes', packageManager, 'install', '--frozen-lockfile'])
}

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { run } from './run.mjs'

const root = new URL('../', import.meta.url)
const read = (name) => readFileSync(new URL(name, root), 'utf8')

/** The workspace's folder. */
export const workspace = fileURLToPath(root)

/** Whether node_modules is what the lock file asks for: pnpm leaves a copy of it there. */
function isInstalled() {
  try {
    return read('node_modules/.pnpm/lock.yaml') === read('pnpm-lock.yaml')
  } catch {
    return false
  }
}

/** Install the packages with the pinned pnpm, unless they are installed. Needs Node and npm only. */
export async function install() {
  if (isInstalled()) return
  const { packageManager } = JSON.parse(read('package.json'))
  console.error(`installing packages with ${packageManager} …`)
  const args = ['--yes', packageManager, 'install', '--frozen-lockfile']
  const { code } = await run('npx', args, { stdout: process.stderr })
  if (code !== 0) {
    console.error('error: the packages could not be installed')
    console.error('  hint: check the network connection, then run the command again')
    process.exit(1)
  }
}

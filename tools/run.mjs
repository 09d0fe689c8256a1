import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const cwd = fileURLToPath(new URL('../', import.meta.url))
const windows = process.platform === 'win32'

/**
 * Run a program in the workspace's folder; its standard error is this process's.
 * @param options.stdout where its standard output goes: `'pipe'` to get it as text, or a stream (this one's by default)
 * @returns exit code, and the text of its output when piped
 */
export function run(program, args, { stdout = process.stdout, env = {} } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd,
      // npx is a script on Windows, and scripts need a shell there
      shell: windows && program !== process.execPath,
      stdio: ['ignore', stdout, process.stderr],
      env: { ...process.env, NX_DAEMON: 'false', NX_TUI: 'false', ...env },
    })
    let text = ''
    child.stdout?.on('data', (chunk) => (text += chunk))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code: code ?? 1, text }))
  })
}

/** Run the `cflow` command from source; the options are those of `run`. */
export const cflow = (args, options) =>
  run(
    process.execPath,
    ['--conditions=@cflow/source', '--import', 'tsx', 'apps/cli/src/main.ts', ...args],
    options,
  )
